//! Which request something belongs to (W3C Trace Context), so that one trace leads from it to the
//! mail.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A W3C Trace Context `traceparent`: which request something belongs to. Any version is read,
/// version 00 is written.
///
/// ```
/// use domain::{TraceParent, TraceParentError};
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let trace: TraceParent = header.parse()?;
/// assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!(trace.to_string(), header);
/// assert_eq!("request 17".parse::<TraceParent>(), Err(TraceParentError));
/// # Ok::<(), TraceParentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// Not a `traceparent`, or one of its identifiers is zero.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a W3C traceparent")]
pub struct TraceParentError;

/// The characters of version 00, with which every later version begins.
const LENGTH: usize = 55;

const SAMPLED: u128 = 0x01;

impl TraceParent {
    /// The span of a trace that something belongs to, and whether it is recorded. `None` if an
    /// identifier is zero.
    pub fn of_span(trace_id: u128, span_id: u64, is_sampled: bool) -> Option<Self> {
        let flags = u8::from(is_sampled);
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, flags })
    }

    /// A new trace, with identifiers taken from a random one.
    pub fn start(id: Uuid) -> Self {
        let (_, low) = id.as_u64_pair();
        Self { trace_id: id.as_u128(), span_id: low, flags: 0 }
    }

    /// The trace identifier, as logs show it: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The identifiers of the trace and of the span.
    pub fn ids(&self) -> (u128, u64) {
        (self.trace_id, self.span_id)
    }

    /// Whether the span is recorded, so that what it causes should be too.
    pub fn is_sampled(&self) -> bool {
        u128::from(self.flags) & SAMPLED != 0
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let (known, further) = text.split_at_checked(LENGTH).ok_or(TraceParentError)?;
        let parts: Vec<&str> = known.split('-').collect();
        let [version, trace_id, span_id, flags] = parts[..] else { return Err(TraceParentError) };
        let version = parse_hex(version, 2)?;
        let flags = parse_hex(flags, 2)?;
        let flags = match version {
            0 if further.is_empty() => flags,
            0xff => return Err(TraceParentError),
            // A later version: nothing but these fields and the flag "sampled" is known to mean the
            // same (section 3.2.4).
            1.. if further.is_empty() || further.starts_with('-') => flags & SAMPLED,
            _ => return Err(TraceParentError),
        };
        let (trace_id, span_id) = (parse_hex(trace_id, 32)?, parse_hex(span_id, 16)?);
        if trace_id == 0 || span_id == 0 {
            return Err(TraceParentError);
        }
        let span_id = u64::try_from(span_id).map_err(|_| TraceParentError)?;
        let flags = u8::try_from(flags).map_err(|_| TraceParentError)?;
        Ok(Self { trace_id, span_id, flags })
    }
}

/// Reads so many lower-case hexadecimal digits.
fn parse_hex(text: &str, digits: usize) -> Result<u128, TraceParentError> {
    let is_lower_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != digits || !is_lower_hex {
        return Err(TraceParentError);
    }
    u128::from_str_radix(text, 16).map_err(|_| TraceParentError)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_written_as_it_was_read() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parsed: TraceParent = text.parse().unwrap();
        assert_eq!(parsed.to_string(), text);
        assert_eq!(parsed.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_span_is_written_with_its_decision() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parsed: TraceParent = text.parse().unwrap();
        let (trace_id, span_id) = parsed.ids();
        assert_eq!(TraceParent::of_span(trace_id, span_id, parsed.is_sampled()), Some(parsed));
        let unsampled = TraceParent::of_span(trace_id, span_id, false).unwrap();
        assert_eq!(unsampled.to_string(), text.replace("-01", "-00"));
        assert!(!unsampled.is_sampled());
        assert_eq!(TraceParent::of_span(0, span_id, true), None);
        assert_eq!(TraceParent::of_span(trace_id, 0, true), None);
    }

    #[test]
    fn later_versions_are_read_as_the_recommendation_says() {
        let known = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        for (text, flags) in [
            (format!("01-{known}-01"), "01"),
            (format!("cc-{known}-03-what-the-future-may-be-like"), "01"),
            (format!("fe-{known}-fe-"), "00"),
        ] {
            let parsed: TraceParent = text.parse().unwrap();
            assert_eq!(parsed.to_string(), format!("00-{known}-{flags}"), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_a_traceparent() {
        for text in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-further",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01further",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01-further",
            "0-04bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(TraceParentError), "{text}");
        }
    }
}
