-- Makes a schedule, or changes one whose definition is another; the same definition leaves its state alone.
-- ARGV: name, definition, first due time in ms.
local key = schedule_key(ARGV[1])
redis.call('SADD', prefix .. 'schedules', ARGV[1])
if redis.call('HGET', key, 'definition') ~= ARGV[2] then
  redis.call('HSET', key, 'definition', ARGV[2], 'next_due', ARGV[3])
end
