-- Ends a run, if its lease is still held. Success begins the job that follows.
-- ARGV: id, token, state to go to, result or errors as JSON, delay of a retry in ms, how long to keep it in ms, how long to
-- keep a follower that cannot begin.
-- Returns 1 if done, now or by the same call before, 0 if the run had been overtaken.
local id, token, to, text, delay_ms, keep_ms, keep_failed_ms = unpack(ARGV)
local key = job_key(id)
local job = redis.call('HMGET', key, 'state', 'token', 'settled', 'cancel')
if job[3] == token then return 1 end
if job[1] ~= 'running' or job[2] ~= token then return 0 end

redis.call('ZREM', leases, id)
redis.call('HSET', key, 'settled', token)
if to == 'succeeded' then
  redis.call('HINCRBY', key, 'attempts', 1)
  redis.call('HSET', key, 'result', text)
elseif to == 'retrying' or to == 'dead' then
  redis.call('HINCRBY', key, 'attempts', 1)
  redis.call('HSET', key, 'error', text)
end
if job[4] and (to == 'retrying' or to == 'queued') then to = 'cancelled' end

if to == 'queued' then
  make_ready(id, 'running')
elseif to == 'retrying' then
  redis.call('HDEL', key, 'at')
  redis.call('HSET', key, 'delay', delay_ms)
  make_due(id, 'running', to, now + delay_ms)
else
  finish(id, 'running', to, keep_ms)
  -- Only now, for the follower may have the unique key of this job.
  if to == 'succeeded' then begin_follower(id, keep_failed_ms) end
end
return 1
