//! Why the broker refuses, as AMQP numbers it.

use lapin::ErrorKind;

use super::super::connection::BrokerError;

/// Reply codes of AMQP 0-9-1.
pub(super) const ACCESS_REFUSED: u16 = 403;
pub(super) const NOT_FOUND: u16 = 404;
pub(super) const PRECONDITION_FAILED: u16 = 406;
pub(super) const NOT_ALLOWED: u16 = 530;

/// The broker's own reason, if it has given one.
pub(super) fn reply_code(error: &BrokerError) -> Option<u16> {
    match error {
        BrokerError::Amqp(error) => match error.kind() {
            ErrorKind::ProtocolError(error) => Some(error.get_id()),
            _ => None,
        },
        _ => None,
    }
}
