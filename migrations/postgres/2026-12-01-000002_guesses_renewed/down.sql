ALTER TABLE users DROP COLUMN guesses_renewed;
