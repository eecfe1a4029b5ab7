//! Replies as they come from the server, read byte by byte (RFC 5321 section 4.2).
//!
//! The code decides; the text is for people and may be missing or in any character set. What
//! servers send beyond the RFC is accepted if its code is clear: lines that end in LF alone, codes
//! that the RFC does not define. Text is cut and the length of a reply is bounded, so that no
//! server fills the memory.

use super::enhanced_status::EnhancedStatus;

/// What is kept of a line. RFC 5321 section 4.5.3.1.5 allows 512 bytes.
const LONGEST_LINE: usize = 512;

/// The most bytes of one reply, counting those that are not kept.
const LONGEST_REPLY: usize = 64 * 1024;

/// One reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// From 200 to 599.
    pub(super) code: u16,
    /// The text of each line, printable ASCII only. There is at least one line.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// What a reply to EHLO says after the server's name, a keyword and its parameters each.
    pub(super) fn keywords(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().skip(1).map(|line| line.trim())
    }

    /// The line that says most: the first one with a status, or else with any text. Never empty.
    pub(super) fn summary(&self) -> &str {
        let lines = || self.lines.iter().map(|line| line.trim());
        let with_status = lines().find(|line| EnhancedStatus::find(line).is_some());
        with_status.or_else(|| lines().find(|line| !line.is_empty())).unwrap_or("(no text)")
    }
}

/// Why bytes are not a reply. What they were is not repeated: it may contain addresses.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ReplyError {
    #[error("the server's reply is too long")]
    TooLong,
    #[error("the server's reply is not SMTP")]
    Malformed,
}

/// Puts the bytes of one reply together.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    line: Vec<u8>,
    lines: Vec<String>,
    length: usize,
}

impl ReplyReader {
    /// Takes the next byte; returns the reply if that was its last one, and is ready for the next
    /// reply then.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<Reply>, ReplyError> {
        self.length += 1;
        if self.length > LONGEST_REPLY {
            return Err(ReplyError::TooLong);
        }
        if byte != b'\n' {
            if self.line.len() < LONGEST_LINE {
                self.line.push(byte);
            }
            return Ok(None);
        }
        let line = parse_line(&self.line)?;
        self.line.clear();
        self.lines.push(line.text);
        if !line.is_last {
            return Ok(None);
        }
        let lines = std::mem::take(self).lines;
        Ok(Some(Reply { code: line.code, lines }))
    }
}

struct Line {
    code: u16,
    is_last: bool,
    text: String,
}

fn parse_line(line: &[u8]) -> Result<Line, ReplyError> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3).ok_or(ReplyError::Malformed)?;
    let is_last = match rest.first() {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return Err(ReplyError::Malformed),
    };
    let text = rest.get(1..).unwrap_or_default();
    Ok(Line {
        code: parse_code(code)?,
        is_last,
        text: text.iter().copied().map(to_printable).collect(),
    })
}

/// A code whose second digit is not defined means what its first digit says (RFC 5321 section
/// 4.3.2): 571 is 500.
fn parse_code(digits: &[u8]) -> Result<u16, ReplyError> {
    match digits {
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => {}
        _ => return Err(ReplyError::Malformed),
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    Ok(if code % 100 < 60 { code } else { code / 100 * 100 })
}

fn to_printable(byte: u8) -> char {
    match byte {
        b'\t' => ' ',
        b' '..=b'~' => byte.into(),
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Reply>, ReplyError> {
        let mut reader = ReplyReader::default();
        bytes.iter().filter_map(|byte| reader.push(*byte).transpose()).collect()
    }

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code, lines: lines.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn rfc_5321_the_code_is_read_and_the_text_made_printable() {
        for (bytes, expected) in [
            (&b"250 2.0.0 accept\xe9\r\n"[..], reply(250, &["2.0.0 accept?"])),
            (b"250\r\n", reply(250, &[""])),
            (b"250 \n", reply(250, &[""])),
            (b"250-one\r\n250-\r\n250\r\n", reply(250, &["one", "", ""])),
            (b"571 a\tb\x00\r\n", reply(500, &["a b?"])),
            // RFC 5321 section 4.2.1: a client may look at the last line alone.
            (b"550-one\r\n450 two\r\n", reply(450, &["one", "two"])),
        ] {
            assert_eq!(read(bytes), Ok(vec![expected]));
        }
    }

    #[test]
    fn replies_are_read_one_by_one() {
        let replies = read(b"220 one\r\n250 two\r\n25").unwrap();
        assert_eq!(replies, [reply(220, &["one"]), reply(250, &["two"])]);
    }

    #[test]
    fn what_has_no_code_is_not_a_reply() {
        for bytes in [
            "\r\n",
            "25\r\n",
            "what?\r\n",
            "2500\r\n",
            "150 no\r\n",
            "650 no\r\n",
            "250-ok\r\nok\r\n",
        ] {
            assert_eq!(read(bytes.as_bytes()), Err(ReplyError::Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn asvs_13_1_3_lines_are_cut_and_replies_end() {
        let long = [&b"250 "[..], &vec![b'a'; LONGEST_REPLY - 6], b"\r\n"].concat();
        assert_eq!(read(&long), Ok(vec![reply(250, &[&"a".repeat(LONGEST_LINE - 4)])]));
        let too_long = [&b"250 "[..], &vec![b'a'; LONGEST_REPLY - 3]].concat();
        assert_eq!(read(&too_long), Err(ReplyError::TooLong));
        assert_eq!(read(&b"250-\r\n".repeat(LONGEST_REPLY)), Err(ReplyError::TooLong));
    }
}
