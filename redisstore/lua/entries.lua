-- KEYS: index. ARGV: how many entries, taken at random; 0 is all of them.
-- Returns the server's millisecond, then handles with theirs.
local entries
if ARGV[1] == '0' then
	entries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
else
	entries = redis.call('ZRANDMEMBER', KEYS[1], ARGV[1], 'WITHSCORES')
end
return {string.format('%.0f', clock()), entries}
