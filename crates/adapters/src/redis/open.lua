-- Opens the window of a code: CodeStore::open.
--
-- KEYS[1]  the window of a registration: a hash of
--            issue       the number of the current code
--            derivation  that number, a space, and how the code is derived; about an earlier number, or absent, if a
--                        worker of the previous version has opened the window
--            left        the attempts that are left
--            ends        when the window ends, microseconds of the server's clock
--            consumed    1 once the code has been used
--            accepted    the number of the last code whose mail was accepted; absent before the first
-- ARGV[1]  the number of the issue
-- ARGV[2]  the length of the window, microseconds
-- ARGV[3]  the attempts of a new code
-- ARGV[4]  how long to remember the window, milliseconds
-- ARGV[5]  1 if the code's mail was accepted just now, or else 0
-- ARGV[6]  how the code is derived, if nothing is recorded of it
-- returns  {'opened', 0, how the code is derived},
--          {'accepted', microseconds until the window ends, ''} if its mail was accepted before,
--          {'superseded', 0, ''} or {'consumed', 0, ''}

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local number = tonumber(ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'issue', 'consumed', 'accepted', 'ends', 'derivation')
local known_number = tonumber(known[1] or 0)

if known_number > number then
  return {'superseded', 0, ''}
end
if known_number == number and known[2] == '1' then
  return {'consumed', 0, ''}
end
if known_number == number and known[3] == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return {'accepted', math.max(known[4] - now, 0), ''}
end
if known_number < number then
  redis.call('HSET', KEYS[1], 'issue', ARGV[1], 'left', ARGV[3], 'consumed', '0')
end
if ARGV[5] == '1' then
  redis.call('HSET', KEYS[1], 'accepted', ARGV[1])
end
local prefix = ARGV[1] .. ' '
local derivation = known[5]
if not derivation or string.sub(derivation, 1, #prefix) ~= prefix then
  derivation = prefix .. ARGV[6]
  redis.call('HSET', KEYS[1], 'derivation', derivation)
end
redis.call('HSET', KEYS[1], 'ends', string.format('%.0f', now + ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'opened', 0, string.sub(derivation, #prefix + 1)}
