-- Uses a code up: CodeStore::consume.
--
-- KEYS[1]  the window of a registration (see open.lua)
-- ARGV[1]  the number of the issue
-- returns  'won' to one caller, 'consumed' to all others, 'gone' if there is no live window

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = redis.call('HMGET', KEYS[1], 'issue', 'consumed', 'ends')

if window[1] ~= ARGV[1] then
  return 'gone'
end
if window[2] == '1' then
  return 'consumed'
end
if now >= tonumber(window[3]) then
  return 'gone'
end
redis.call('HSET', KEYS[1], 'consumed', '1')
return 'won'
