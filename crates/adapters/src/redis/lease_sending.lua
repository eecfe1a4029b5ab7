-- Takes or renews the lease to send a mail: CodeStore::lease_sending.
--
-- KEYS[1]  the sender that holds the lease; absent while nobody does
-- ARGV[1]  the sender that asks
-- ARGV[2]  the length of the lease, milliseconds, at least 1
-- returns  1 if the sender holds it now, 0 if another does

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
