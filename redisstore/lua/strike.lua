-- KEYS: index. ARGV: handles with their milliseconds.
-- Takes those out of the index that are still as given.
for i = 1, #ARGV, 2 do
	if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then
		redis.call('ZREM', KEYS[1], ARGV[i])
	end
end
return 0
