-- What the scripts of jobs and schedules share; it stands before each of them.
-- KEYS[1] is the prefix of all keys. A script finds out as it runs which jobs it touches, which Redis Cluster forbids.
--
-- job:ID         hash, the job itself
-- jobs:STATE     sorted set of ids, all scores 0, so in the order of ids: what is in which state
-- jobs:ready     queued ids by priority and place in the queue
-- jobs:due       scheduled and retrying ids by the time they are due
-- jobs:leases    running ids by the time their lease ends
-- jobs:kept      finished ids by the time they are forgotten
-- jobs:unique    hash, unique key to the id of the unfinished job that has it
-- schedule:NAME  hash, the schedule; schedules: set of their names
local prefix = KEYS[1]
local ready, due, leases, kept = prefix .. 'jobs:ready', prefix .. 'jobs:due', prefix .. 'jobs:leases', prefix .. 'jobs:kept'
local unique = prefix .. 'jobs:unique'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local unfinished = {queued = true, scheduled = true, running = true, retrying = true}

local function job_key(id) return prefix .. 'job:' .. id end
local function state_key(state) return prefix .. 'jobs:' .. state end
local function schedule_key(name) return prefix .. 'schedule:' .. name end
local function announce(what) redis.call('PUBLISH', prefix .. 'changed', what) end

local function move(id, from, to)
  if from then redis.call('ZREM', state_key(from), id) end
  redis.call('ZADD', state_key(to), 0, id)
  redis.call('HSET', job_key(id), 'state', to)
end

-- Puts a job at the end of its priority. Scores are exact up to 2^53: room for 2^42 places in each of 256 priorities.
local function make_ready(id, from)
  move(id, from, 'queued')
  local priority = tonumber(redis.call('HGET', job_key(id), 'priority'))
  local place = redis.call('INCR', prefix .. 'jobs:place')
  if redis.call('ZCARD', ready) == 0 then announce('work') end
  redis.call('ZADD', ready, place - priority * 2 ^ 42, id)
end

local function make_due(id, from, state, at)
  move(id, from, state)
  redis.call('HSET', job_key(id), 'due_at', at)
  redis.call('ZADD', due, at, id)
end

-- Ends a job, and keeps what is known of it for a while.
local function finish(id, from, to, keep_ms)
  move(id, from, to)
  redis.call('HSET', job_key(id), 'finished_at', now)
  redis.call('PEXPIRE', job_key(id), keep_ms)
  redis.call('ZADD', kept, now + keep_ms, id)
  local job = redis.call('HMGET', job_key(id), 'unique_key', 'schedule')
  if job[1] and redis.call('HGET', unique, job[1]) == id then redis.call('HDEL', unique, job[1]) end
  if job[2] and redis.call('HGET', schedule_key(job[2]), 'last_job') == id then
    redis.call('HSET', schedule_key(job[2]), 'last_outcome', to, 'last_finished_at', now)
  end
  announce('job ' .. id)
end

-- A run that ended without a word: not the job's fault, up to a limit.
local function lose_lease(id, max_lost, keep_ms)
  redis.call('ZREM', leases, id)
  local lost = redis.call('HINCRBY', job_key(id), 'lost', 1)
  if redis.call('HGET', job_key(id), 'cancel') then
    finish(id, 'running', 'cancelled', keep_ms)
  elseif lost > max_lost then
    redis.call('HSET', job_key(id), 'error', cjson.encode({'its lease was lost ' .. lost .. ' times'}))
    finish(id, 'running', 'dead', keep_ms)
  else
    make_ready(id, 'running')
  end
end

-- Returns the id and state of the job as it is now, which is another if an equal one has not finished, or nil if there
-- is no room. A job whose id is known has been enqueued before: the same call came twice.
local function enqueue(job)
  local state = redis.call('HGET', job_key(job.id), 'state')
  if state then return {job.id, state} end
  local equal = job.unique_key ~= '' and redis.call('HGET', unique, job.unique_key)
  if equal then return {equal, redis.call('HGET', job_key(equal), 'state')} end
  local count = 0
  for waiting in pairs(unfinished) do count = count + redis.call('ZCARD', state_key(waiting)) end
  if count >= tonumber(job.max_unfinished) then return nil end

  redis.call('HSET', job_key(job.id), 'name', job.name, 'args', job.args, 'priority', job.priority, 'enqueued_at', now)
  if job.schedule ~= '' then redis.call('HSET', job_key(job.id), 'schedule', job.schedule) end
  if job.unique_key ~= '' then
    redis.call('HSET', job_key(job.id), 'unique_key', job.unique_key)
    redis.call('HSET', unique, job.unique_key, job.id)
  end
  if job.next and job.next ~= '' then
    local text = type(job.next) == 'table' and cjson.encode(job.next) or job.next
    redis.call('HSET', job_key(job.id), 'next', text)
  end
  local at = job.at ~= '' and tonumber(job.at) or now + job.delay_ms
  if at > now then
    make_due(job.id, nil, 'scheduled', at)
    return {job.id, 'scheduled'}
  end
  make_ready(job.id, nil)
  return {job.id, 'queued'}
end

-- The arguments from ARGV[first] on that describe a job to enqueue.
local function job_from(first)
  local job = {}
  for at, name in ipairs({'id', 'name', 'args', 'priority', 'unique_key', 'schedule', 'at', 'delay_ms', 'next', 'max_unfinished'}) do
    job[name] = ARGV[first + at - 1]
  end
  return job
end

-- Forgets a few finished jobs whose time has come, or which are too many: those that would be forgotten first.
local function forget(max_kept)
  local over = redis.call('ZCARD', kept) - max_kept
  local upto = over > 0 and '+inf' or now
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', kept, '-inf', upto, 'LIMIT', 0, 4)) do
    redis.call('ZREM', kept, id)
    for _, state in ipairs({'succeeded', 'dead', 'cancelled'}) do redis.call('ZREM', state_key(state), id) end
    redis.call('DEL', job_key(id))
  end
end
