-- ARGV: id, how long to keep it in ms. Returns the state it was in, or nil if it is unknown.
-- What waits is cancelled here; a run is asked to end, and its next heartbeat says so.
local id = ARGV[1]
local state = redis.call('HGET', job_key(id), 'state')
if state == 'running' then
  redis.call('HSET', job_key(id), 'cancel', 1)
  announce('job ' .. id)
elseif state and unfinished[state] then
  local name = redis.call('HGET', job_key(id), 'name')
  redis.call('ZREM', ready, id)
  if name then remove_ready(name, id) end
  redis.call('ZREM', due, id)
  finish(id, state, 'cancelled', ARGV[2])
end
return state
