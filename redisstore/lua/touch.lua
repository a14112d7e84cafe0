-- KEYS: session. ARGV: now.
-- Returns 1, or 0 if there is no such session.
local v = redis.call('GET', KEYS[1])
if not v then
	return 0
end
local t, at = touched(v, tonumber(ARGV[1]))
if not t then
	return 0
end
put(KEYS[1], t, at)
return 1
