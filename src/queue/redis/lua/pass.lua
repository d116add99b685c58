-- Passes over a due time. ARGV: name, due time in ms, next due time in ms. Returns whether it was due then.
local key = schedule_key(ARGV[1])
if redis.call('HGET', key, 'next_due') ~= ARGV[2] then return 0 end
redis.call('HSET', key, 'next_due', ARGV[3])
return 1
