-- How often an operator has let the codes of an address be guessed anew.
ALTER TABLE users ADD COLUMN guesses_renewed INTEGER NOT NULL DEFAULT 0;
