-- Takes the count of an allowed event back: RateLimiter::give_back.
--
-- KEYS[1]  when the burst is whole again (see check_limit.lua)
-- ARGV[1]  how long it takes until one more event is allowed, microseconds, at least 1

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local reserved = tonumber(redis.call('GET', KEYS[1]) or 0) - ARGV[1] - now

if reserved > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + reserved), 'PX', math.ceil(reserved / 1000))
else
  redis.call('DEL', KEYS[1])
end
