-- One row a registered address. An unverified registration gives its row to the next claim of the address.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    -- The address in lower case: what identifies the account.
    email_key text NOT NULL,
    password_hash text NOT NULL,
    code_number bigint NOT NULL CHECK (code_number > 0),
    -- Null until the mail with the current code was accepted, or refused for good, which ends the minute at
    -- once: until then the claim holds the address.
    code_expires_at timestamptz,
    activated_at timestamptz,
    -- When the owner was last told that somebody tried to register the address again.
    repetition_noted_at timestamptz,
    -- When the current code was asked for: by the claim, or later by a resend.
    code_requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT users_email_key UNIQUE (email_key)
);

-- For the purge of unverified registrations.
CREATE INDEX users_unverified ON users (code_requested_at) WHERE activated_at IS NULL;
