-- KEYS: index. ARGV: handle; login, or '' if the session has the principal
-- already, and so no revocation is about it; and the millisecond of the deadline,
-- or '' if there is none.
-- Returns 1 if the handle is in the index, 2 if it is and the index has grown
-- long, 0 if the principal is revoked.
local revoked = ARGV[2] ~= '' and redis.call('ZSCORE', KEYS[1], '')
if revoked and tonumber(ARGV[2]) <= tonumber(revoked) then
	return 0
end
local before, now = redis.call('PTTL', KEYS[1]), clock()
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
if ARGV[3] == '' then
	redis.call('PERSIST', KEYS[1])
else
	keep(KEYS[1], before, now, tonumber(ARGV[3]))
end
if redis.call('ZCARD', KEYS[1]) > 16 then
	return 2
end
return 1
