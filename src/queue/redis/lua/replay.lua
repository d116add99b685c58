-- Queues a dead job again as if it were new. ARGV: id.
-- Returns the state it was in, 'equal' if an equal job has not finished, or nil if it is unknown.
local id = ARGV[1]
local key = job_key(id)
local job = redis.call('HMGET', key, 'state', 'unique_key')
if job[1] ~= 'dead' then return job[1] end
if job[2] then
  if holder_of(job[2]) then return 'equal' end
  redis.call('HSET', unique, job[2], id)
end
redis.call('PERSIST', key)
redis.call('ZREM', kept, id)
redis.call('HDEL', key, 'attempts', 'lost', 'error', 'finished_at', 'cancel', 'progress')
make_ready(id, 'dead')
-- What follows it was cancelled with it, which left an error: by request there is none.
local next = follower(id)
while next do
  local follows = redis.call('HMGET', job_key(next), 'state', 'error', 'started_at')
  if follows[1] ~= 'cancelled' or not follows[2] or follows[3] then break end
  redis.call('PERSIST', job_key(next))
  redis.call('ZREM', kept, next)
  redis.call('HDEL', job_key(next), 'error', 'finished_at')
  move(next, 'cancelled', 'waiting')
  next = follower(next)
end
return 'dead'
