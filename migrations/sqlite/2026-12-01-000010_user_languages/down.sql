ALTER TABLE users DROP COLUMN languages;
