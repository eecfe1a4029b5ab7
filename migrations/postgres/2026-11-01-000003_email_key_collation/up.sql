-- Keys are compared byte by byte: it is faster, and an update of the operating system's collations cannot damage the
-- index. The index is there already, so that this changes catalogues only.

-- Everybody else waits behind this lock and behind those whom it waits for: so it gives up soon, and tries again.
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '300ms', true);
    FOR attempt IN 1..200 LOOP
        BEGIN
            LOCK TABLE users IN ACCESS EXCLUSIVE MODE;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.5);
        END;
    END LOOP;
    RAISE EXCEPTION 'a long transaction uses the table "users"; end it and migrate again';
END $$;

ALTER TABLE users DROP CONSTRAINT users_email_key;
ALTER TABLE users ALTER COLUMN email_key TYPE text COLLATE "C";
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key_in_c;
