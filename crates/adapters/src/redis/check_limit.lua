-- Counts an event if it is within the quota: RateLimiter::check. The generic cell rate algorithm.
--
-- KEYS[1]  when the full burst is available again, microseconds of the server's clock; absent if it is
-- ARGV[1]  how long it takes until one more event is allowed, microseconds, at least 1
-- ARGV[2]  how many events may come at once, at least 1
-- returns  {1, how many may follow at once, microseconds until the burst is full} if allowed,
--          {0, microseconds until the next is allowed, microseconds until the burst is full} if not

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local capacity = interval * ARGV[2]

local whole_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local reserved = whole_at + interval - now
if reserved > capacity then
  return {0, reserved - capacity, whole_at - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', now + reserved), 'PX', math.ceil(reserved / 1000))
return {1, math.floor((capacity - reserved) / interval), reserved}
