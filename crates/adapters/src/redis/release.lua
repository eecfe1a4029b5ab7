-- Undoes a consumption: CodeStore::release. The window keeps its end and its attempts.
--
-- KEYS[1]  the window of a registration (see open.lua)
-- ARGV[1]  the number of the issue

if redis.call('HGET', KEYS[1], 'issue') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'consumed', '0')
end
