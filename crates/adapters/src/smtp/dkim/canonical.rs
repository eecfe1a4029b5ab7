//! The form of a mail that is signed: servers on its way may change spaces and folding.

/// The body in relaxed form (RFC 6376 section 3.4.4): runs of spaces and tabs are one space, none at
/// the end of a line, no empty lines at the end.
pub(super) fn relax_body(body: &[u8]) -> Vec<u8> {
    let mut relaxed = Vec::with_capacity(body.len());
    let mut empty_lines = 0;
    for line in lines(body) {
        let line = squeeze(line);
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        relaxed.extend(b"\r\n".repeat(empty_lines));
        empty_lines = 0;
        relaxed.extend_from_slice(&line);
        relaxed.extend_from_slice(b"\r\n");
    }
    relaxed
}

/// A header field in relaxed form (section 3.4.2), without the end of its line: name in lower case,
/// value unfolded.
pub(super) fn relax_header(field: &[u8]) -> Vec<u8> {
    let colon = field.iter().position(|byte| *byte == b':').unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    let unfolded: Vec<u8> =
        value.iter().skip(1).copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut relaxed = name.trim_ascii_end().to_ascii_lowercase();
    relaxed.push(b':');
    relaxed.extend_from_slice(squeeze(&unfolded).trim_ascii_start());
    relaxed
}

/// The last field with this name, with the lines that it is folded into.
pub(super) fn find_header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    fields(head).into_iter().rev().find(|field| {
        let colon = field.iter().position(|byte| *byte == b':').unwrap_or_default();
        field[..colon].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
    })
}

/// A line that begins with a space or tab goes on with the field before it.
fn fields(head: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut begin = 0;
    for (end, pair) in head.windows(2).enumerate() {
        let is_end = pair == b"\r\n" && !matches!(head.get(end + 2), Some(b' ' | b'\t'));
        if is_end {
            fields.push(&head[begin..end]);
            begin = end + 2;
        }
    }
    fields
}

/// The lines of a body, without their ends; the last one need not have any.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|bytes| bytes == b"\r\n");
        let (line, after) = match end {
            Some(end) => (&rest[..end], &rest[end + 2..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        Some(line)
    })
}

/// Runs of spaces and tabs become one space, those at the end nothing.
fn squeeze(line: &[u8]) -> Vec<u8> {
    let mut squeezed = Vec::with_capacity(line.len());
    for byte in line {
        match byte {
            b' ' | b'\t' if squeezed.last() == Some(&b' ') => {}
            b' ' | b'\t' => squeezed.push(b' '),
            other => squeezed.push(*other),
        }
    }
    if squeezed.last() == Some(&b' ') {
        squeezed.pop();
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6376 section 3.4.5.
    const HEAD: &[u8] = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
    const BODY: &[u8] = b" C \r\nD \t E\r\n\r\n\r\n";

    #[test]
    fn rfc_6376_relaxed_forms_are_those_of_the_example() {
        assert_eq!(relax_header(find_header(HEAD, "a").unwrap()), b"a:X");
        assert_eq!(relax_header(find_header(HEAD, "B").unwrap()), b"b:Y Z");
        assert_eq!(find_header(HEAD, "c"), None);
        assert_eq!(relax_body(BODY), b" C\r\nD E\r\n");
    }

    #[test]
    fn rfc_6376_an_end_is_made_as_it_should_be() {
        assert_eq!(relax_body(b""), b"");
        assert_eq!(relax_body(b"\r\n \r\n"), b"");
        assert_eq!(relax_body(b"a"), b"a\r\n");
        assert_eq!(relax_body(b"\r\n\r\na\r\n\r\nb"), b"\r\n\r\na\r\n\r\nb\r\n");
        assert_eq!(find_header(b"A: 1\r\nA: 2\r\n", "a"), Some(&b"A: 2"[..]));
    }
}
