-- Events that are not delivered to the product's webhook yet: a row per destination, so that a
-- destination that is down delays no other and repeats nothing elsewhere. A table of its own, which
-- relays of the version before do not know: they would publish the rows on RabbitMQ, and would have
-- to step over those that wait.
CREATE TABLE webhook_outbox (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    user_id uuid NOT NULL,
    code_number bigint,
    traceparent text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts bigint NOT NULL DEFAULT 0,
    failed_at timestamptz,
    failure text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT webhook_outbox_failure CHECK ((failed_at IS NULL) = (failure IS NULL))
);

CREATE INDEX webhook_outbox_due ON webhook_outbox (due_at, id) WHERE failed_at IS NULL;
CREATE INDEX webhook_outbox_failed ON webhook_outbox (id) WHERE failed_at IS NOT NULL;
