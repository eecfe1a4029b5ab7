//! The tables of recorded events: one per destination, alike but for their names.

/// Where the events of a table go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutboxTable {
    /// To the worker, and to everybody else on the broker.
    Bus,
    /// To the product's webhook.
    Webhook,
}

impl OutboxTable {
    pub(crate) const ALL: [Self; 2] = [Self::Bus, Self::Webhook];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bus => "outbox",
            Self::Webhook => "webhook_outbox",
        }
    }

    /// What the JSON of a row says about its destination, as further arguments of a function that
    /// makes objects.
    pub(crate) const fn json_member(self) -> &'static str {
        match self {
            Self::Bus => "",
            Self::Webhook => ", 'destination', 'webhook'",
        }
    }
}
