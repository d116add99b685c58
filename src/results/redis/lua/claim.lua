-- Leases the first job that is ready. Each claim also brings a bounded number of others up to date.
-- ARGV: owner, worker, lease in ms, leases a job may lose, how long to keep the dead in ms, finished jobs to keep.
-- Returns 0, id, name, args, token, attempts, lost; or the ms until there may be something to do (-1: nothing waits), and
-- nothing for the rest.
local owner, worker, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
forget(tonumber(ARGV[6]))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', due, id)
  make_ready(id, redis.call('HGET', job_key(id), 'state'))
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 100)) do
  lose_lease(id, tonumber(ARGV[4]), ARGV[5])
end

local id = redis.call('ZPOPMIN', ready)[1]
if not id then
  local next = -1
  for _, times in ipairs({due, leases}) do
    local at = redis.call('ZRANGE', times, 0, 0, 'WITHSCORES')[2]
    if at and (next < 0 or at - now < next) then next = math.max(at - now, 1) end
  end
  return {next, false, false, false, 0, 0, 0}
end

local key = job_key(id)
move(id, 'queued', 'running')
redis.call('ZADD', leases, now + lease_ms, id)
redis.call('HSET', key, 'owner', owner, 'worker', worker, 'started_at', now)
local token = redis.call('HINCRBY', key, 'token', 1)
local job = redis.call('HMGET', key, 'name', 'args', 'attempts', 'lost')
return {0, id, job[1], job[2], token, tonumber(job[3]) or 0, tonumber(job[4]) or 0}
