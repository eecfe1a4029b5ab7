-- Takes as long as the table is large, and blocks no write.
CREATE UNIQUE INDEX CONCURRENTLY users_email_key_in_c ON users (email_key COLLATE "C");
