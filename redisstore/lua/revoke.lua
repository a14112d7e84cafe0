-- KEYS: index. ARGV: time of the revocation, and milliseconds for which it is
-- remembered.
-- Returns the server's millisecond, then handles with theirs.
local before, now = redis.call('PTTL', KEYS[1]), clock()
local revoked = redis.call('ZSCORE', KEYS[1], '')
if not revoked or tonumber(revoked) < tonumber(ARGV[1]) then
	redis.call('ZADD', KEYS[1], ARGV[1], '')
end
keep(KEYS[1], before, now, now + ARGV[2])
return {string.format('%.0f', now), redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}
