//! The span of a statement.

use spans::{Kind, Span};

/// The span of an operation on a table.
pub(crate) fn database_span(system: &'static str, operation: Operation) -> Span {
    let (name, operation) = match operation {
        Operation::Select => ("SELECT users", "SELECT"),
        Operation::Insert => ("INSERT users", "INSERT"),
        Operation::Update => ("UPDATE users", "UPDATE"),
        Operation::Delete => ("DELETE users", "DELETE"),
    };
    Span::part(name, Kind::Client)
        .with("db.system.name", system)
        .with("db.operation.name", operation)
        .with("db.collection.name", "users")
}

/// What is done to the table of the users, and in the same transaction to the outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Select,
    Insert,
    Update,
    Delete,
}
