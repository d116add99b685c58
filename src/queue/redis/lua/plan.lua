-- Makes a schedule, or changes one whose definition is another; the same definition leaves its state alone.
-- ARGV: name, definition, first due time in ms.
local key = schedule_key(ARGV[1])
redis.call('SADD', prefix .. 'schedules', ARGV[1])
local schedule = redis.call('HMGET', key, 'definition', 'next_due')
if schedule[1] ~= ARGV[2] or not tonumber(schedule[2]) then
  redis.call('HSET', key, 'definition', ARGV[2], 'next_due', ARGV[3])
end
