-- Events that were recorded with a change and are not delivered yet. Identifiers only.
-- No foreign key: an event outlives a registration whose address was claimed again.
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    user_id uuid NOT NULL,
    code_number bigint,
    traceparent text NOT NULL,
    -- When a relay may take the event: a claim moves it ahead by the length of its lease.
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts bigint NOT NULL DEFAULT 0,
    -- Set when the event can never be delivered, until it is replayed.
    failed_at timestamptz,
    failure text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT outbox_failure CHECK ((failed_at IS NULL) = (failure IS NULL))
);

CREATE INDEX outbox_due ON outbox (due_at, id) WHERE failed_at IS NULL;
CREATE INDEX outbox_failed ON outbox (id) WHERE failed_at IS NOT NULL;
