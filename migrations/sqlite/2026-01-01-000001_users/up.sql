-- One row a registered address. An unverified registration gives its row to the next claim of the address.
-- Identifiers are UUIDs in their usual text form, times are Unix milliseconds.
CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    -- The address in lower case: what identifies the account.
    email_key TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    code_number INTEGER NOT NULL CHECK (code_number > 0),
    -- Null until the mail with the current code was accepted, or refused for good, which ends the minute at
    -- once: until then the claim holds the address.
    code_expires_at INTEGER,
    activated_at INTEGER,
    -- When the owner was last told that somebody tried to register the address again.
    repetition_noted_at INTEGER,
    -- When the current code was asked for: by the claim, or later by a resend.
    code_requested_at INTEGER NOT NULL,
    CONSTRAINT users_email_key UNIQUE (email_key)
) STRICT;

-- For the purge of unverified registrations.
CREATE INDEX users_unverified ON users (code_requested_at) WHERE activated_at IS NULL;
