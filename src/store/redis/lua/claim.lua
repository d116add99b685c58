-- The first keys that do not exist, taken in one step.
-- KEYS: the keys. ARGV: how many at most, time to live in ms, or 0 to take none. Answers their places, from 0.
local most, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])
local free = {}
for place, key in ipairs(KEYS) do
    if #free == most then
        break
    end
    local got
    if ttl == 0 then
        got = redis.call('EXISTS', key) == 0
    else
        got = redis.call('SET', key, '1', 'NX', 'PX', ttl)
    end
    if got then
        free[#free + 1] = place - 1
    end
end
return free
