-- KEYS: session, barrier. ARGV: principal, time of its revocation, and
-- milliseconds for which a login with it may be under way; 0 if none is.
-- Returns 1 if the session was one of principal and is gone.
local v = redis.call('GET', KEYS[1])
if v and principal(v) == ARGV[1] then
	redis.call('DEL', KEYS[1])
	return 1
end
if ARGV[3] ~= '0' then
	local revoked = redis.call('GET', KEYS[2])
	if not revoked or tonumber(revoked) < tonumber(ARGV[2]) then
		redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
	end
end
return 0
