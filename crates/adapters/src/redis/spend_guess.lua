-- Counts a guess if the budget allows it: GuessBudget::spend_guess. An exact sliding log.
--
-- KEYS[1]  a list of the instants of allowed guesses, the newest first, microseconds of the server's clock
-- ARGV[1]  how many guesses are allowed per period, at least 1
-- ARGV[2]  the period, microseconds
-- returns  {1, 0} when the guess is allowed, {0, microseconds to wait} when it is not

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local period = tonumber(ARGV[2])

-- Refused while the last ARGV[1] guesses all lie within the period.
local decisive = redis.call('LINDEX', KEYS[1], ARGV[1] - 1)
if decisive and decisive + period > now then
  return {0, decisive + period - now}
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
return {1, 0}
