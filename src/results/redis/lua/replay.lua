-- Queues a dead job again as if it were new. ARGV: id.
-- Returns the state it was in, 'equal' if an equal job has not finished, or nil if it is unknown.
local id = ARGV[1]
local key = job_key(id)
local job = redis.call('HMGET', key, 'state', 'unique_key')
if job[1] ~= 'dead' then return job[1] end
if job[2] and redis.call('HSETNX', unique, job[2], id) == 0 then return 'equal' end
redis.call('PERSIST', key)
redis.call('ZREM', kept, id)
redis.call('HDEL', key, 'attempts', 'lost', 'error', 'finished_at', 'cancel', 'progress')
make_ready(id, 'dead')
return 'dead'
