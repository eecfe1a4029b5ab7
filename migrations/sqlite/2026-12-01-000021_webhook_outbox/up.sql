-- Events that are not delivered to the product's webhook yet: a row per destination, so that a
-- destination that is down delays no other and repeats nothing elsewhere.
CREATE TABLE webhook_outbox (
    id TEXT PRIMARY KEY NOT NULL,
    type TEXT NOT NULL,
    user_id TEXT NOT NULL,
    code_number INTEGER,
    traceparent TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    failure TEXT,
    created_at INTEGER NOT NULL,
    CONSTRAINT webhook_outbox_failure CHECK ((failed_at IS NULL) = (failure IS NULL))
) STRICT;

CREATE INDEX webhook_outbox_due ON webhook_outbox (due_at, id) WHERE failed_at IS NULL;
CREATE INDEX webhook_outbox_failed ON webhook_outbox (id) WHERE failed_at IS NOT NULL;
