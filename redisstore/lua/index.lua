-- A principal's index is a sorted set of handles by the millisecond in which a
-- login was last about to happen. The member '' is the microsecond of the last
-- revocation.

local function clock()
	local t = redis.call('TIME')
	return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- keep makes the index live until the millisecond at, or longer. Before is its
-- PTTL as it was when nothing had been added to it yet.
local function keep(key, before, now, at)
	if before == -2 or before >= 0 and now + before < at then
		redis.call('PEXPIREAT', key, string.format('%.0f', at))
	end
end
