-- Spends one if every allowance permits it: Budget::spend. An exact sliding log.
--
-- KEYS[1]  a list of the instants at which one was spent, the newest first, microseconds of the server's clock
-- ARGV     for each allowance: how many are allowed in a period, at least 1, and the period, microseconds
-- returns  {1, 0} when it is allowed, {0, microseconds to wait} when it is not

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait, longest, most = 0, 0, 0

for i = 1, #ARGV, 2 do
  local amount, period = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  -- One more is allowed when the one that lies as many back as are allowed was a period ago.
  local decisive = redis.call('LINDEX', KEYS[1], amount - 1)
  if decisive then
    wait = math.max(wait, decisive + period - now)
  end
  longest, most = math.max(longest, period), math.max(most, amount)
end
if wait > 0 then
  return {0, wait}
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, most - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(longest / 1000))
return {1, 0}
