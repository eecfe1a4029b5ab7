//! Turns failed deliveries into messages. They carry the original body unchanged, how often it has
//! failed, and why it was set aside; the reason never contains an address.

use std::error::Error;
use std::time::{Duration, SystemTime};

use domain::ports::DeadLetter;
use domain::{ErrorChain, EventId};
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde::Deserialize;

use super::confirmed_publishing::Message;
use super::topology::Topology;

const FAILURES: &str = "x-failures";
const REASON: &str = "x-reason";
/// In Unix milliseconds.
const FAILED_AT: &str = "x-failed-at";

/// RabbitMQ limits the headers of a message to one frame, so a reason must be short.
const LONGEST_REASON: usize = 500;

/// How often the event has failed before this delivery.
pub(super) fn count_failures(delivery: &Delivery) -> u32 {
    read_failures(delivery).unwrap_or(0)
}

fn read_failures(delivery: &Delivery) -> Option<u32> {
    match header(delivery, FAILURES)? {
        AMQPValue::LongUInt(failures) => Some(*failures),
        AMQPValue::LongLongInt(failures) => u32::try_from(*failures).ok(),
        _ => None,
    }
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a AMQPValue> {
    delivery.properties.headers().as_ref()?.inner().get(name)
}

/// The same event for the retry queue that is next.
pub(super) fn to_retry_queue(topology: &Topology, delivery: &Delivery) -> Message {
    let failures = count_failures(delivery).saturating_add(1);
    copy(delivery, topology.retry_queue(failures), failed(failures))
}

/// The same event for the retry queue with the longest delay. It has not failed.
pub(super) fn hand_back(topology: &Topology, delivery: &Delivery) -> Message {
    copy(delivery, topology.longest_retry_queue(), failed(count_failures(delivery)))
}

fn failed(times: u32) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert(FAILURES.into(), AMQPValue::LongLongInt(times.into()));
    headers
}

/// The same message for the dead-letter queue.
pub(super) fn to_dead_letter_queue(
    topology: &Topology,
    delivery: &Delivery,
    reason: &str,
) -> Message {
    let mut headers = failed(count_failures(delivery).saturating_add(1));
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    headers.insert(FAILED_AT.into(), AMQPValue::LongLongInt(unix_millis_now()));
    copy(delivery, topology.dead_queue.clone(), headers)
}

#[expect(clippy::disallowed_methods, reason = "the broker does not record when a message arrives")]
fn unix_millis_now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// The same message for the work queue, as if it had never failed.
pub(super) fn to_work_queue(topology: &Topology, delivery: &Delivery) -> Message {
    copy(delivery, topology.work_queue.clone(), FieldTable::default())
}

/// What the message in the dead-letter queue says. Older versions recorded only the reason.
pub(super) fn read_dead_letter(delivery: &Delivery) -> DeadLetter {
    let id = delivery.properties.message_id().as_ref();
    DeadLetter {
        id: id.and_then(|id| id.as_str().parse().ok()).map(EventId::from_uuid),
        kind: serde_json::from_slice(&delivery.data).ok().map(|Typed { kind }| kind),
        reason: match header(delivery, REASON) {
            Some(AMQPValue::LongString(reason)) => reason.to_string(),
            _ => "no reason was recorded".into(),
        },
        failed_at: match header(delivery, FAILED_AT) {
            Some(AMQPValue::LongLongInt(millis)) => read_time(*millis),
            _ => None,
        },
        attempts: read_failures(delivery).map(u64::from),
        event: String::from_utf8_lossy(&delivery.data).into_owned(),
    }
}

fn read_time(unix_millis: i64) -> Option<SystemTime> {
    let since_epoch = Duration::from_millis(u64::try_from(unix_millis).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

/// The event's type, for people: also that of an event which cannot be decoded.
#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: String,
}

/// Describes an error and its causes in one line, without anything that looks like an address.
pub(super) fn describe(error: &(dyn Error + 'static)) -> String {
    let text = ErrorChain(error).to_string();
    let masked = text.split_whitespace().map(|word| if word.contains('@') { "***" } else { word });
    masked.collect::<Vec<_>>().join(" ").chars().take(LONGEST_REASON).collect()
}

fn copy(delivery: &Delivery, queue: ShortString, headers: FieldTable) -> Message {
    let properties = &delivery.properties;
    Message {
        // The default exchange: every queue is bound to it under its name (AMQP 0-9-1 section
        // 3.1.3.1).
        exchange: "".into(),
        routing_key: queue,
        id: properties.message_id().clone().unwrap_or_else(|| "".into()),
        content_type: properties.content_type().clone().unwrap_or_else(|| "".into()),
        headers,
        mandatory: true,
        body: delivery.data.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the worker failed")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("550 <ada@example.com>: no such user\r\nhere")]
    struct Inner;

    #[test]
    fn asvs_16_2_5_a_reason_names_the_causes_and_no_address() {
        assert_eq!(describe(&Outer(Inner)), "the worker failed: 550 *** no such user here");
    }
}
