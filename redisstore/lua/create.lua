-- KEYS: session, barrier. ARGV: record, expiry, login.
-- Returns 2 if it is created, 1 if there is one, 0 if the principal is revoked.
if redis.call('EXISTS', KEYS[1]) == 1 then
	return 1
end
local revoked = principal(ARGV[1]) ~= '' and redis.call('GET', KEYS[2])
if revoked and tonumber(ARGV[3]) <= tonumber(revoked) then
	return 0
end
put(KEYS[1], ARGV[1], ARGV[2])
return 2
