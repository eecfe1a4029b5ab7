-- The languages of the user's mails, the best first: "fr-CA,en". Null if nothing is known; a version that does not know
-- the column leaves it as it is.

-- Everybody else waits behind this lock and behind those whom it waits for: so it gives up soon, and tries again.
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '300ms', true);
    FOR attempt IN 1..200 LOOP
        BEGIN
            ALTER TABLE users ADD COLUMN languages text;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.5);
        END;
    END LOOP;
    RAISE EXCEPTION 'a long transaction uses the table "users"; end it and migrate again';
END $$;
