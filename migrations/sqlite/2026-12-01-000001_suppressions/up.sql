-- Addresses that are not mailed, because mails to them have bounced.
CREATE TABLE suppressions (
    -- The address in lower case.
    email_key TEXT PRIMARY KEY NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
