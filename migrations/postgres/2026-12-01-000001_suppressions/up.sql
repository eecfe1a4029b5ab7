-- Addresses that are not mailed, because mails to them have bounced. Locks no other table.
CREATE TABLE suppressions (
    -- The address in lower case.
    email_key text COLLATE "C" PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
