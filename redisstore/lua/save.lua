-- KEYS: session, barrier. ARGV: version to replace, record, expiry, login, and
-- 'listed' if the principal's index has the session as it will be.
-- Returns 2 if it is saved, 1 if the index comes first, 3 if it does and the
-- session has the principal already, 0 if there is no such session any more, and
-- another version as it is.
local v = redis.call('GET', KEYS[1])
if not v then
	return 0
end
if version(v) ~= ARGV[1] then
	return v
end
local who = principal(ARGV[2])
if who ~= '' then
	local known = who == principal(v)
	if ARGV[5] ~= 'listed' and not (known and deadline(v) == deadline(ARGV[2])) then
		return known and 3 or 1
	end
	if not known then
		local revoked = redis.call('GET', KEYS[2])
		if revoked and tonumber(ARGV[4]) <= tonumber(revoked) then
			return 0
		end
	end
end
put(KEYS[1], ARGV[2], ARGV[3])
return 2
