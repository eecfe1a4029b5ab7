-- What an interrupted attempt to build the index has left. Both steps are repeated together.
DROP INDEX CONCURRENTLY IF EXISTS users_email_key_in_c;
