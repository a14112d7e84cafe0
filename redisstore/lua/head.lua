-- KEYS: session. Returns its record without the data.
local v = redis.call('GET', KEYS[1])
if not v or #v < 117 then
	return v
end
local who, label = struct.unpack('>I2I2', v, 66)
return string.sub(v, 1, 117 + who + label)
