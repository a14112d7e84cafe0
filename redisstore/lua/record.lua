-- The layout of a record: see record.go. Positions count from 1 here.

local NEVER = '\127\255\255\255\255\255\255\255' -- of idle

local function deadline(v) return string.sub(v, 50, 57) end
local function secret(v) return string.sub(v, 70, 101) end
local function principal(v)
	if #v < 117 then -- it is no record
		return ''
	end
	return string.sub(v, 118, 117 + struct.unpack('>I2', v, 66))
end

-- put writes a record that expires at the millisecond given as text; '' is
-- never.
local function put(key, v, at)
	if at == '' then
		return redis.call('SET', key, v)
	end
	return redis.call('SET', key, v, 'PXAT', at)
end

-- touched returns v as it is after a request at now, in microseconds, and the
-- millisecond it expires at; nothing if v has expired by then. Numbers are exact
-- up to 2^53 microseconds, the year 2255; what does not change is copied as it
-- is.
local function touched(v, now)
	if #v < 117 then
		return nil
	end
	local seen, expires, last, idle = struct.unpack('>I8I8I8I8', v, 34)
	local expiresAs = string.sub(v, 42, 49)
	if expires ~= 0 then
		if expires <= now then
			return nil
		end
		local later, laterAs = last, deadline(v)
		if string.sub(v, 58, 65) ~= NEVER and (last == 0 or now + idle < last) then
			later = now + idle
			laterAs = struct.pack('>I8', later)
		end
		if later == 0 or later > expires then
			expires, expiresAs = later, laterAs
		end
	end
	local seenAs = string.sub(v, 34, 41)
	if now > seen then
		seenAs = struct.pack('>I8', now)
	end
	local at = ''
	if expires ~= 0 then
		at = string.format('%.0f', math.ceil(expires / 1000))
	end
	return string.sub(v, 1, 33) .. seenAs .. expiresAs .. string.sub(v, 50), at
end
