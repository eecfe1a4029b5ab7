DROP INDEX IF EXISTS users_email_key_in_c;
