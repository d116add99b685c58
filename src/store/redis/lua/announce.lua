-- Takes note that an instance is running.
-- KEYS: the hash of instances, the hash of the names of their jobs. ARGV: id, name, number of scrapers, ms for which it counts
-- as running, names of its jobs as JSON.
-- Returns id, name, number of scrapers and names of jobs of each other instance that was announced in that time.
local key, jobs, lasts = KEYS[1], KEYS[2], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = {}
local known = redis.call('HGETALL', key)
for at = 1, #known, 2 do
  local seen_at, scrapers, name = string.match(known[at + 1], '^(%d+) (%d+) (.*)$')
  if not seen_at or math.abs(now - seen_at) > lasts then
    redis.call('HDEL', key, known[at])
    redis.call('HDEL', jobs, known[at])
  elseif known[at] ~= ARGV[1] then
    others[#others + 1] = {known[at], name, tonumber(scrapers), redis.call('HGET', jobs, known[at])}
  end
end
redis.call('HSET', key, ARGV[1], now .. ' ' .. ARGV[3] .. ' ' .. ARGV[2])
redis.call('HSET', jobs, ARGV[1], ARGV[5])
redis.call('PEXPIRE', key, lasts)
redis.call('PEXPIRE', jobs, lasts)
return others
