-- A value of ours: a hash, because a plain string could not say when it was written.
-- KEYS: key. ARGV: value, time to live in ms, channel.
local time = redis.call('TIME')
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'written_at', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], 'key ' .. KEYS[1])
