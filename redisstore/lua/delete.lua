-- KEYS: session. ARGV: 'write' if something must be written in any case, for
-- WAIT waits until replicas have what was written.
-- Returns the principal; '' if there was no such session, too.
local v = redis.call('GET', KEYS[1])
if not v and ARGV[1] == 'write' then
	redis.call('SET', KEYS[1], '')
end
redis.call('DEL', KEYS[1])
return v and principal(v) or ''
