-- What the scripts of jobs and schedules share; it stands before each of them.
-- KEYS[1] is the prefix of all keys. A script finds out as it runs which jobs it touches, which Redis Cluster forbids.
--
-- job:ID         hash, the job itself
-- jobs:STATE     sorted set of ids, all scores 0, so in the order of ids: what is in which state
-- jobs:ready:NAME  queued ids of that name by priority and place in the queue, which counts across all names
-- jobs:names     set of the names that have such ids
-- jobs:ready     the same of all names in one, as the version before kept them; claims take it over
-- jobs:due       scheduled and retrying ids by the time they are due. The hash has what was asked for: `at`, a time, or
--                `delay`, ms from when the wait began, past which no due time is believed
-- jobs:leases    running ids by the time their lease ends
-- jobs:kept      finished ids by the time they are forgotten
-- jobs:unique    hash, unique key to the id of the unfinished job that has it
-- schedule:NAME  hash, the schedule; schedules: set of their names
local prefix = KEYS[1]
local ready, due, leases, kept = prefix .. 'jobs:ready', prefix .. 'jobs:due', prefix .. 'jobs:leases', prefix .. 'jobs:kept'
local unique, names = prefix .. 'jobs:unique', prefix .. 'jobs:names'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local unfinished = {queued = true, scheduled = true, waiting = true, running = true, retrying = true}

local function job_key(id) return prefix .. 'job:' .. id end
local function state_key(state) return prefix .. 'jobs:' .. state end
local function ready_key(name) return prefix .. 'jobs:ready:' .. name end
local function schedule_key(name) return prefix .. 'schedule:' .. name end
local function announce(what) redis.call('PUBLISH', prefix .. 'changed', what) end

local function move(id, from, to)
  if from then redis.call('ZREM', state_key(from), id) end
  redis.call('ZADD', state_key(to), 0, id)
  redis.call('HSET', job_key(id), 'state', to)
end

-- Removes what is left of a job whose record is gone.
local function discard(id)
  for state in pairs(unfinished) do redis.call('ZREM', state_key(state), id) end
  redis.call('DEL', job_key(id))
end

local function add_ready(name, id, score)
  if redis.call('ZCARD', ready_key(name)) == 0 then
    redis.call('SADD', names, name)
    announce('work')
  end
  redis.call('ZADD', ready_key(name), score, id)
end

local function remove_ready(name, id)
  redis.call('ZREM', ready_key(name), id)
  if redis.call('ZCARD', ready_key(name)) == 0 then redis.call('SREM', names, name) end
end

-- Puts a job at the end of its priority. Scores are exact up to 2^53: room for 2^42 places in each of 256 priorities.
local function make_ready(id, from)
  local job = redis.call('HMGET', job_key(id), 'name', 'priority')
  if not job[1] then return discard(id) end
  move(id, from, 'queued')
  local place = redis.call('INCR', prefix .. 'jobs:place')
  add_ready(job[1], id, place - (tonumber(job[2]) or 0) * 2 ^ 42)
end

-- Takes over ready jobs of the version before, the first of them. Returns whether more may be left.
local function take_over(most)
  local first = redis.call('ZRANGE', ready, 0, most - 1, 'WITHSCORES')
  for at = 1, #first, 2 do
    local id, name = first[at], redis.call('HGET', job_key(first[at]), 'name')
    redis.call('ZREM', ready, id)
    if name then add_ready(name, id, first[at + 1]) else discard(id) end
  end
  return #first == 2 * most
end

local function make_due(id, from, state, at)
  move(id, from, state)
  redis.call('HSET', job_key(id), 'due_at', at)
  redis.call('ZADD', due, at, id)
end

-- Returns the id and the state of the job that has a unique key. A job whose record is gone has none.
local function holder_of(key)
  local id = redis.call('HGET', unique, key)
  local state = id and redis.call('HGET', job_key(id), 'state')
  if state and unfinished[state] then return id, state end
  if id then redis.call('HDEL', unique, key) end
end

-- Writes down a job that is not known yet.
local function write(job)
  local key = job_key(job.id)
  redis.call('HSET', key, 'name', job.name, 'args', job.args, 'priority', job.priority, 'enqueued_at', now)
  if job.schedule ~= '' then redis.call('HSET', key, 'schedule', job.schedule) end
  if job.unique_key ~= '' then redis.call('HSET', key, 'unique_key', job.unique_key) end
  if job.at ~= '' then
    redis.call('HSET', key, 'at', job.at)
  elseif tonumber(job.delay_ms) > 0 then
    redis.call('HSET', key, 'delay', job.delay_ms)
  end
end

-- Writes down the chain of jobs that follow `id`, each in the state `waiting`.
local function write_followers(id, next)
  while next do
    redis.call('HSET', job_key(id), 'next', next.id)
    if redis.call('EXISTS', job_key(next.id)) == 0 then
      write(next)
      redis.call('HSET', job_key(next.id), 'follows', id)
      move(next.id, nil, 'waiting')
    end
    id, next = next.id, next.next
  end
end

-- Returns the id of the job that follows `id`, if there is one. Earlier versions kept all of it with the first job.
local function follower(id)
  local next = redis.call('HGET', job_key(id), 'next')
  if next and next:sub(1, 1) == '{' then
    local is_json, job = pcall(cjson.decode, next)
    if not is_json then return nil end
    write_followers(id, job)
    return job.id
  end
  return next
end

-- Begins the wait that was asked for, if any. Returns the state that the job goes to.
local function start(id, from)
  local wait = redis.call('HMGET', job_key(id), 'at', 'delay')
  local at = tonumber(wait[1]) or now + (tonumber(wait[2]) or 0)
  if at > now then
    make_due(id, from, 'scheduled', at)
    return 'scheduled'
  end
  make_ready(id, from)
  return 'queued'
end

local function set_error(id, text) redis.call('HSET', job_key(id), 'error', cjson.encode({text})) end

-- Ends a job, and keeps what is known of it for a while. Without success, what follows it is cancelled; a follower is kept
-- for longer than the job itself, whose replay brings it back.
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
  local next = to ~= 'succeeded' and follower(id)
  if next and redis.call('HGET', job_key(next), 'state') == 'waiting' then
    set_error(next, 'job ' .. id .. ', which this one follows, is ' .. to)
    finish(next, 'waiting', 'cancelled', keep_ms + 1)
  end
end

-- Begins the job that follows `id`, which has succeeded. Another job may have its unique key by now.
local function begin_follower(id, keep_ms)
  local next = follower(id)
  if not next or redis.call('HGET', job_key(next), 'state') ~= 'waiting' then return end
  local key = redis.call('HGET', job_key(next), 'unique_key')
  local holder = key and holder_of(key)
  if holder then
    set_error(next, 'job ' .. holder .. ' has the same unique_key and has not finished')
    finish(next, 'waiting', 'dead', keep_ms)
    return
  end
  if key then redis.call('HSET', unique, key, next) end
  start(next, 'waiting')
end

-- A run that ended without a word: not the job's fault, up to a limit.
local function lose_lease(id, max_lost, keep_ms)
  redis.call('ZREM', leases, id)
  local lost = redis.call('HINCRBY', job_key(id), 'lost', 1)
  if redis.call('HGET', job_key(id), 'cancel') then
    finish(id, 'running', 'cancelled', keep_ms)
  elseif lost > max_lost then
    set_error(id, 'its lease was lost ' .. lost .. ' times')
    finish(id, 'running', 'dead', keep_ms)
  else
    make_ready(id, 'running')
  end
end

-- Returns the id and state of the job as it is now, which is another if an equal one has not finished, or nil if there
-- is no room for it and what follows it. A job whose id is known has been enqueued before: the same call came twice.
local function enqueue(job)
  local state = redis.call('HGET', job_key(job.id), 'state')
  if state then return {job.id, state} end
  if job.unique_key ~= '' then
    local equal, equal_state = holder_of(job.unique_key)
    if equal then return {equal, equal_state} end
  end
  local count = 1
  local first = job.next ~= '' and cjson.decode(job.next) or nil
  local next = first
  while next do count, next = count + 1, next.next end
  for waiting in pairs(unfinished) do count = count + redis.call('ZCARD', state_key(waiting)) end
  if count > tonumber(job.max_unfinished) then return nil end

  write(job)
  if job.unique_key ~= '' then redis.call('HSET', unique, job.unique_key, job.id) end
  write_followers(job.id, first)
  return {job.id, start(job.id, nil)}
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

-- Times that were written before the clock was set back lie too far ahead; what was asked for bounds them. The longest
-- lease that the settings allow, for leases of earlier versions, which do not say how long they are.
local longest_lease = 3600000
-- A clock that is corrected by less is nothing out of the ordinary.
local jump = 5000

local function lease_of(id) return tonumber(redis.call('HGET', job_key(id), 'lease')) or longest_lease end

-- A clock set forward ends the leases of runs that go on: each gets its full length again. Returns how many.
local function renew_after_jump(expected)
  if not expected or now - expected < jump then return 0 end
  local running = redis.call('ZRANGE', leases, 0, 999)
  for _, id in ipairs(running) do redis.call('ZADD', leases, now + lease_of(id), id) end
  return #running
end

-- Brings leases back that end later than a full lease from now. Returns how many.
local function bound_leases(usual)
  local moved = 0
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '(' .. now + usual, '+inf', 'LIMIT', 0, 100)) do
    local latest = now + lease_of(id)
    if tonumber(redis.call('ZSCORE', leases, id)) > latest then
      redis.call('ZADD', leases, latest, id)
      moved = moved + 1
    end
  end
  return moved
end

-- Brings due times back that are farther away than the delay that was asked for. Looks at `count` of them, from `first` on.
-- Returns where to go on, 0 after the last, and how many were brought back.
local function bound_due_times(first, count)
  if count == 0 then return first, 0 end
  local moved = 0
  local waits = redis.call('ZRANGE', due, first, first + count - 1, 'WITHSCORES')
  for at = 1, #waits, 2 do
    local asked = redis.call('HMGET', job_key(waits[at]), 'at', 'delay')
    local latest = not asked[1] and asked[2] and now + tonumber(asked[2])
    if latest and tonumber(waits[at + 1]) > latest then
      redis.call('ZADD', due, latest, waits[at])
      redis.call('HSET', job_key(waits[at]), 'due_at', latest)
      moved = moved + 1
    end
  end
  if #waits < 2 * count then return 0, moved end
  return first + count, moved
end
