-- Events that were recorded with a change and are not delivered yet. Identifiers only.
-- No foreign key: an event outlives a registration whose address was claimed again.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY NOT NULL,
    type TEXT NOT NULL,
    user_id TEXT NOT NULL,
    code_number INTEGER,
    traceparent TEXT NOT NULL,
    -- When the relay may take the event: a claim moves it ahead by the length of its lease.
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Set when the event can never be delivered, until it is replayed.
    failed_at INTEGER,
    failure TEXT,
    created_at INTEGER NOT NULL,
    CONSTRAINT outbox_failure CHECK ((failed_at IS NULL) = (failure IS NULL))
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at, id) WHERE failed_at IS NULL;
CREATE INDEX outbox_failed ON outbox (id) WHERE failed_at IS NOT NULL;
