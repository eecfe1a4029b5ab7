ALTER TABLE users ALTER COLUMN email_key TYPE text COLLATE "default";
