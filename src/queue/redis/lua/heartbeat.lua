-- ARGV: id, token, lease in ms, progress as JSON or ''. Returns nil if the lease is lost, else 1 if a cancel was asked
-- for, else 0. A lease past its time that nobody has taken is still held.
local id, token = ARGV[1], ARGV[2]
local job = redis.call('HMGET', job_key(id), 'state', 'token', 'cancel')
if job[1] ~= 'running' or job[2] ~= token then return nil end
redis.call('ZADD', leases, now + ARGV[3], id)
redis.call('HSET', job_key(id), 'lease', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', job_key(id), 'progress', ARGV[4]) end
return job[3] and 1 or 0
