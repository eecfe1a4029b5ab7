-- How often an operator has let the codes of an address be guessed anew. Changes catalogues only.

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

ALTER TABLE users ADD COLUMN guesses_renewed bigint NOT NULL DEFAULT 0;
