-- Fires a schedule once for a due time: whoever comes second finds it advanced.
-- ARGV: name, due time in ms, next due time in ms, a job. Returns what came of it and the id of the job: 'fired';
-- 'early'; 'passed' (another has fired or skipped it, or the schedule was changed); 'running' (the run before has not
-- finished, so this one is skipped); 'full'.
local key, this_due, next_due = schedule_key(ARGV[1]), ARGV[2], ARGV[3]
local schedule = redis.call('HMGET', key, 'next_due', 'last_job')
if schedule[1] ~= this_due then return {'passed', ''} end
if now < tonumber(this_due) then return {'early', ''} end

local state = schedule[2] and redis.call('HGET', job_key(schedule[2]), 'state')
if state and unfinished[state] then
  redis.call('HSET', key, 'next_due', next_due)
  return {'running', ''}
end
local made = enqueue(job_from(4))
if not made then return {'full', ''} end
redis.call('HSET', key, 'next_due', next_due, 'last_due', this_due, 'last_job', made[1])
redis.call('HDEL', key, 'last_outcome', 'last_finished_at')
return {'fired', made[1]}
