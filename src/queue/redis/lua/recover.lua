-- Takes back the leases of an owner that is known to be dead.
-- ARGV: owner, leases a job may lose, how long to keep the dead in ms. Returns how many there were.
local recovered = 0
for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
  if redis.call('HGET', job_key(id), 'owner') == ARGV[1] then
    lose_lease(id, tonumber(ARGV[2]), ARGV[3])
    recovered = recovered + 1
  end
end
return recovered
