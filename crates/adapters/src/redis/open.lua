-- Opens the window of a code: CodeStore::open.
--
-- KEYS[1]  the window of a registration: a hash of
--            issue      the number of the current code
--            left       the attempts that are left
--            ends       when the window ends, microseconds of the server's clock
--            consumed   1 once the code has been used
-- ARGV[1]  the number of the issue
-- ARGV[2]  the length of the window, microseconds
-- ARGV[3]  the attempts of a new code
-- ARGV[4]  how long to remember the window, milliseconds
-- returns  'opened', 'superseded' or 'consumed'

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local number = tonumber(ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'issue', 'consumed')
local known_number = tonumber(known[1] or 0)

if known_number > number then
  return 'superseded'
end
if known_number == number and known[2] == '1' then
  return 'consumed'
end
if known_number < number then
  redis.call('HSET', KEYS[1], 'issue', ARGV[1], 'left', ARGV[3], 'consumed', '0')
end
redis.call('HSET', KEYS[1], 'ends', string.format('%.0f', now + ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 'opened'
