-- Counts an attempt before anything is compared: CodeStore::spend_attempt.
--
-- KEYS[1]  the window of a registration (see open.lua)
-- ARGV[1]  the number of the issue
-- returns  {'spent', attempts left after this one, how the code is derived or ''}, or one of
--          'unknown', 'consumed', 'expired', 'exhausted' with 0 and ''

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = redis.call('HMGET', KEYS[1], 'issue', 'consumed', 'ends', 'left', 'derivation')

if window[1] ~= ARGV[1] then
  return {'unknown', 0, ''}
end
if window[2] == '1' then
  return {'consumed', 0, ''}
end
if now >= tonumber(window[3]) then
  return {'expired', 0, ''}
end
if tonumber(window[4]) < 1 then
  return {'exhausted', 0, ''}
end
local prefix = ARGV[1] .. ' '
local derivation = window[5] or ''
if string.sub(derivation, 1, #prefix) ~= prefix then
  derivation = prefix
end
return {'spent', redis.call('HINCRBY', KEYS[1], 'left', -1), string.sub(derivation, #prefix + 1)}
