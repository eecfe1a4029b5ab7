-- Gives the lease to send a mail back: CodeStore::release_sending.
--
-- KEYS[1]  the sender that holds the lease (see lease_sending.lua)
-- ARGV[1]  the sender that gives it back

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
