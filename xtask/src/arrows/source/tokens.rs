//! Rust source cut into the tokens that paths are made of. Comments, literals and test code are
//! left out.

/// An identifier, `::`, or any other single character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// The line it is on, from 1.
    pub(super) line: usize,
}

/// The tokens of `source`, without the items under `#[cfg(test)]`.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < source.len() {
        let rest = &source[at..];
        let skipped = length_to_skip(rest);
        let length = if skipped > 0 { skipped } else { token_length(rest) };
        if skipped == 0 {
            tokens.push(Token { text: &rest[..length], line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    without_tests(&tokens)
}

pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn token_length(rest: &str) -> usize {
    let in_word = |character: char| character.is_alphanumeric() || character == '_';
    match rest.find(|character| !in_word(character)).unwrap_or(rest.len()) {
        0 if rest.starts_with("::") => 2,
        0 => rest.chars().next().map_or(1, char::len_utf8),
        word => word,
    }
}

/// The length of the white space, comment or literal at the head of `rest`; 0 if there is none.
fn length_to_skip(rest: &str) -> usize {
    let blank = rest.len() - rest.trim_start().len();
    if blank > 0 {
        return blank;
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    let literal = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - literal.len();
    match literal.as_bytes() {
        [b'"', ..] if prefix <= 1 => prefix + quoted(literal, '"'),
        [b'r', ..] if prefix <= 1 => raw_string(literal).map_or(0, |length| prefix + length),
        [b'\'', ..] if prefix <= 1 => character(literal).map_or(0, |length| prefix + length),
        _ => 0,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a literal between two quotes, its escapes included.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#` and so on.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    let content = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - content.len();
    Some(content.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// The length of a character literal; None for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut after = rest[1..].chars();
    let is_literal = match after.next() {
        Some('\\') => true,
        Some(_) => after.next() == Some('\''),
        None => false,
    };
    is_literal.then(|| quoted(rest, '\''))
}

const TEST_ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let is_test = |at: usize| {
        let here = tokens[at..].iter().map(|token| token.text);
        here.take(TEST_ATTRIBUTE.len()).eq(TEST_ATTRIBUTE)
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_test(at) {
            at += TEST_ATTRIBUTE.len() + item_length(&tokens[at + TEST_ATTRIBUTE.len()..]);
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// How many tokens an item has: up to its semicolon, or to the brace that closes its body.
fn item_length(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.text, ";" | "}") {
            return at + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    fn texts(source: &str) -> Vec<&str> {
        super::tokens(source).iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_and_paths_are_tokens() {
        assert_eq!(texts("use a::b_1;"), ["use", "a", "::", "b_1", ";"]);
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        let source = r##"// a
            /* b /* c */ d */ x "e \" f" r#"g " h"# b"i" 'j' '\'' '"' b'k' y"##;
        assert_eq!(texts(source), ["x", "y"]);
    }

    #[test]
    fn lifetimes_and_words_that_begin_like_literals_are_not() {
        assert_eq!(
            texts("&'a str, bar, rest, c"),
            ["&", "'", "a", "str", ",", "bar", ",", "rest", ",", "c"]
        );
    }

    #[test]
    fn test_code_is_left_out() {
        let source =
            "#[cfg(test)]\n#[allow(x)]\nmod tests { fn f() { use a; } }\n#[cfg(test)] use b;\nc";
        assert_eq!(texts(source), ["c"]);
        assert_eq!(super::tokens(source)[0].line, 5);
    }
}
