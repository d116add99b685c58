-- Leases the first job that is ready. Each claim also brings a bounded number of others up to date.
-- ARGV: owner, worker, instance, lease in ms, leases a job may lose, how long to keep the dead in ms, finished jobs to keep,
-- the time in ms that the caller expects or '' if it has no expectation, where to begin to check due times, how many to check.
-- Returns the time, where to go on checking (0: from the start), how many due times and leases were moved; then
-- id, name, args, token, attempts, lost; or the ms until there may be something to do (-1: nothing waits), and nothing for the rest.
local owner, worker, instance, lease_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
forget(tonumber(ARGV[7]))
local moved = renew_after_jump(tonumber(ARGV[8])) + bound_leases(lease_ms)
local checked, late = bound_due_times(tonumber(ARGV[9]), tonumber(ARGV[10]))
moved = moved + late
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', due, id)
  make_ready(id, redis.call('HGET', job_key(id), 'state'))
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 100)) do
  lose_lease(id, tonumber(ARGV[5]), ARGV[6])
end

local id = redis.call('ZPOPMIN', ready)[1]
if not id then
  local next = -1
  for _, times in ipairs({due, leases}) do
    local at = redis.call('ZRANGE', times, 0, 0, 'WITHSCORES')[2]
    if at and (next < 0 or at - now < next) then next = math.max(at - now, 1) end
  end
  return {now, checked, moved, next, false, false, false, 0, 0, 0}
end

local key = job_key(id)
if not redis.call('HGET', key, 'name') then
  -- The record is gone: what is left of it goes as well.
  for state in pairs(unfinished) do redis.call('ZREM', state_key(state), id) end
  redis.call('DEL', key)
  return {now, checked, moved, 1, false, false, false, 0, 0, 0}
end
move(id, 'queued', 'running')
redis.call('ZADD', leases, now + lease_ms, id)
redis.call('HSET', key, 'owner', owner, 'worker', worker, 'instance', instance, 'started_at', now, 'lease', lease_ms)
local token = redis.call('INCR', prefix .. 'jobs:token')
redis.call('HSET', key, 'token', token)
local job = redis.call('HMGET', key, 'name', 'args', 'attempts', 'lost')
return {now, checked, moved, 0, id, job[1], job[2], token, tonumber(job[3]) or 0, tonumber(job[4]) or 0}
