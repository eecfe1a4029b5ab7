//! The header field `DKIM-Signature` (RFC 6376 section 3.5).

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::canonical::{find_header, relax_header};

/// What is signed, whether a mail has it or not. Each name is listed once more than there are
/// fields (section 8.15), so that none can be added on the way: a second Subject, or an answer to
/// somebody else.
const SIGNED: [&str; 12] = [
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Language",
    "Auto-Submitted",
];

/// The longest line of base64, well within the 78 characters of RFC 5322.
const LINE: usize = 72;

/// The field with all but the signature itself.
pub(super) struct Unsigned(String);

impl Unsigned {
    pub(super) fn new(
        algorithm: &str,
        domain: &str,
        selector: &str,
        head: &[u8],
        body_hash: &[u8],
    ) -> Self {
        let mut field = format!(
            "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n\td={domain}; s={selector};\r\n\th="
        );
        let names = SIGNED.iter().flat_map(|name| {
            let times = 1 + usize::from(find_header(head, name).is_some());
            std::iter::repeat_n(name, times)
        });
        let mut width = 0;
        for (index, name) in names.enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            width += name.len() + 1;
            let fold = if width > LINE { "\r\n\t " } else { "" };
            width = if fold.is_empty() { width } else { name.len() };
            // Writing to a string cannot fail.
            let _ = write!(field, "{separator}{fold}{name}");
        }
        let _ = write!(field, ";\r\n\tbh={};\r\n\tb=", STANDARD.encode(body_hash));
        Self(field)
    }

    /// The fields that are signed, and this one (section 3.7).
    pub(super) fn to_be_signed(&self, head: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for field in SIGNED.iter().filter_map(|name| find_header(head, name)) {
            text.extend(relax_header(field));
            text.extend_from_slice(b"\r\n");
        }
        text.extend(relax_header(self.0.as_bytes()));
        text
    }

    /// The field, with the end of its line.
    pub(super) fn with(self, signature: &[u8]) -> String {
        let Self(mut field) = self;
        let encoded = STANDARD.encode(signature);
        let (mut line, mut rest) = encoded.split_at(LINE.min(encoded.len()));
        while !line.is_empty() {
            field.push_str("\r\n\t");
            field.push_str(line);
            (line, rest) = rest.split_at(LINE.min(rest.len()));
        }
        field.push_str("\r\n");
        field
    }
}
