-- The languages of the user's mails, the best first: "fr-CA,en". Null if nothing is known; a version that does not know
-- the column leaves it as it is.
ALTER TABLE users ADD COLUMN languages TEXT;
