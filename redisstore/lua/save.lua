-- KEYS: session, and its barrier if the principal's index has the session as it
-- will be. ARGV: version to replace, record, expiry, and then also the login.
-- Returns 2 if it is saved, 1 if the index comes first, 3 if it does and the
-- session has the principal already, 0 if there is no such session any more, and
-- another version as it is.
-- It runs with every change: what it does not need is not read, nor defined.
local record = ARGV[2]
local n = struct.unpack('>I2', record, 66) -- the length of the principal
local v = redis.call('GETRANGE', KEYS[1], 0, n == 0 and 8 or 116 + n)
if v == '' then
	return 0
end
if string.sub(v, 2, 9) ~= ARGV[1] then
	return redis.call('GET', KEYS[1])
end
if n > 0 then
	local known = string.sub(v, 66, 67) == string.sub(record, 66, 67) and string.sub(v, 118) == string.sub(record, 118, 117 + n)
	if not KEYS[2] and not (known and string.sub(v, 50, 57) == string.sub(record, 50, 57)) then
		return known and 3 or 1
	end
	if not known then
		local revoked = redis.call('GET', KEYS[2])
		if revoked and tonumber(ARGV[4]) <= tonumber(revoked) then
			return 0
		end
	end
end
if ARGV[3] == '' then -- never
	redis.call('SET', KEYS[1], record)
else
	redis.call('SET', KEYS[1], record, 'PXAT', ARGV[3])
end
return 2
