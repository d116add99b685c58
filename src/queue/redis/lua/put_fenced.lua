-- Stores a value, if the run that made it still holds its lease.
-- ARGV: id, token, key, 'shared' or 'own', value, time to live in ms. Returns 1 if stored, 0 if the run had been overtaken.
local id, token, name, space, value, ttl_ms = unpack(ARGV)
local job = redis.call('HMGET', job_key(id), 'state', 'token')
if job[1] ~= 'running' or job[2] ~= token then return 0 end
if space == 'shared' then
  redis.call('SET', name, value, 'PX', ttl_ms)
else
  redis.call('DEL', name)
  redis.call('HSET', name, 'value', value, 'written_at', now)
  redis.call('PEXPIRE', name, ttl_ms)
end
announce('key ' .. name)
return 1
