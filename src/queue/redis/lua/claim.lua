-- Leases the first job that is ready, of the names that the worker can run: a look at the first of each name, however many
-- wait behind it or under other names. Each claim also brings a bounded number of others up to date.
-- ARGV: owner, worker, instance, lease in ms, leases a job may lose, how long to keep the dead in ms, finished jobs to keep,
-- the time in ms that the caller expects or '' if it has no expectation, where to begin to check due times, how many to check,
-- then the names.
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
local more_to_take_over = take_over(500)

local id, score, name
for at = 11, #ARGV do
  local first = redis.call('ZRANGE', ready_key(ARGV[at]), 0, 0, 'WITHSCORES')
  local first_score = tonumber(first[2])
  if first_score and (not id or first_score < score) then id, score, name = first[1], first_score, ARGV[at] end
end
if not id then
  local next = more_to_take_over and 1 or -1
  for _, times in ipairs({due, leases}) do
    local at = redis.call('ZRANGE', times, 0, 0, 'WITHSCORES')[2]
    if at and (next < 0 or at - now < next) then next = math.max(at - now, 1) end
  end
  return {now, checked, moved, next, false, false, false, 0, 0, 0}
end

remove_ready(name, id)
local key = job_key(id)
local record = redis.call('HMGET', key, 'name', 'state')
if record[2] ~= 'queued' or not record[1] then
  -- Its record is gone, or an instance of the version before has cancelled it.
  if not record[1] then discard(id) end
  return {now, checked, moved, 1, false, false, false, 0, 0, 0}
end
move(id, 'queued', 'running')
redis.call('ZADD', leases, now + lease_ms, id)
redis.call('HSET', key, 'owner', owner, 'worker', worker, 'instance', instance, 'started_at', now, 'lease', lease_ms)
local token = redis.call('INCR', prefix .. 'jobs:token')
redis.call('HSET', key, 'token', token)
local job = redis.call('HMGET', key, 'name', 'args', 'attempts', 'lost')
return {now, checked, moved, 0, id, job[1], job[2], token, tonumber(job[3]) or 0, tonumber(job[4]) or 0}
