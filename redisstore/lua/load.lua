-- KEYS: session. ARGV: secret, now, and the microsecond before which it must
-- have been seen last to be touched.
-- Returns the record as it is afterwards, or nothing.
local v = redis.call('GET', KEYS[1])
if not v or #v < 117 or secret(v) ~= ARGV[1] or struct.unpack('>I8', v, 34) >= tonumber(ARGV[3]) then
	return v
end
local t, at = touched(v, tonumber(ARGV[2]))
if not t then
	return v
end
-- With its memory full Redis still lets everyone read.
local ok, err = pcall(put, KEYS[1], t, at)
if ok then
	return t
end
if type(err) == 'table' then
	err = err.err
end
if string.find(err, 'OOM', 1, true) then
	return v
end
return redis.error_reply(err)
