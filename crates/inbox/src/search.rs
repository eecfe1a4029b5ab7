//! The part of Mailpit's search syntax that an inbox for codes needs: words and quoted phrases that
//! a mail must contain, `to:`, `from:`, `cc:`, `bcc:`, `reply-to:`, `addressed:`, `subject:`,
//! `message-id:`, `is:read`, `is:unread`, `has:attachment`. A leading `-` or `!` negates a term.
//! Case is ignored.

use crate::mail::{Address, Mail};
use crate::mailbox::Entry;

/// A search. A mail must match every term.
#[derive(Debug, Clone)]
pub(crate) struct Query(Vec<Term>);

#[derive(Debug, Clone)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Field(Field, String),
    Text(String),
    Read(bool),
    Attachment,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    To,
    From,
    Cc,
    Bcc,
    ReplyTo,
    Addressed,
    Subject,
    MessageId,
}

/// Why a query is refused. Ignoring an unsupported filter could delete the wrong mails.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// Nothing to search for.
    #[error("no search query")]
    Empty,
    /// Mailpit supports this filter, but this inbox does not.
    #[error("this inbox does not support the filter {0}")]
    Unsupported(&'static str),
}

const FIELDS: [(&str, Field); 8] = [
    ("to:", Field::To),
    ("from:", Field::From),
    ("cc:", Field::Cc),
    ("bcc:", Field::Bcc),
    ("reply-to:", Field::ReplyTo),
    ("addressed:", Field::Addressed),
    ("subject:", Field::Subject),
    ("message-id:", Field::MessageId),
];

const UNSUPPORTED: [&str; 8] =
    ["tag:", "is:tagged", "has:inline", "after:", "before:", "larger:", "smaller:", "has:tag"];

impl Query {
    /// Parses a search expression.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        let terms = split_words(text).into_iter().filter_map(|word| Term::parse(&word).transpose());
        let terms = terms.collect::<Result<Vec<_>, _>>()?;
        if terms.is_empty() { Err(QueryError::Empty) } else { Ok(Self(terms)) }
    }

    /// Whether a mail matches.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        self.0.iter().all(|term| term.test.matches(entry) != term.negated)
    }
}

impl Term {
    /// A word without its quotes. A filter without a value tests nothing.
    fn parse(word: &str) -> Result<Option<Self>, QueryError> {
        let lower = word.to_lowercase();
        let (negated, lower) = match lower.strip_prefix(['-', '!']) {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, lower.as_str()),
        };
        if let Some(filter) = UNSUPPORTED.into_iter().find(|filter| lower.starts_with(filter)) {
            return Err(QueryError::Unsupported(filter));
        }
        let field = FIELDS
            .into_iter()
            .find_map(|(name, field)| Some((field, lower.strip_prefix(name)?.trim())));
        let test = match (lower, field) {
            ("is:read", _) => Test::Read(true),
            ("is:unread", _) => Test::Read(false),
            ("has:attachment" | "has:attachments", _) => Test::Attachment,
            (_, Some((_, ""))) => return Ok(None),
            (_, Some((field, value))) => Test::Field(field, value.to_owned()),
            (text, None) => Test::Text(text.to_owned()),
        };
        Ok(Some(Self { negated, test }))
    }
}

impl Test {
    fn matches(&self, entry: &Entry) -> bool {
        match self {
            Self::Field(field, value) => field.contains(&entry.mail, value),
            Self::Text(text) => contains_text(&entry.mail, text),
            Self::Read(read) => entry.read == *read,
            Self::Attachment => entry.mail.attachments > 0,
        }
    }
}

impl Field {
    fn contains(self, mail: &Mail, value: &str) -> bool {
        let overview = &mail.overview;
        let any = |list: &[Address]| list.iter().any(|address| address_contains(address, value));
        let from = || overview.from.as_ref().is_some_and(|from| address_contains(from, value));
        match self {
            Self::To => any(&overview.to),
            Self::From => from(),
            Self::Cc => any(&overview.cc),
            Self::Bcc => any(&overview.bcc),
            Self::ReplyTo => any(&overview.reply_to),
            Self::Addressed => {
                let lists = [&overview.to, &overview.cc, &overview.bcc, &overview.reply_to];
                from() || lists.into_iter().any(|list| any(list))
            }
            Self::Subject => overview.subject.to_lowercase().contains(value),
            Self::MessageId => overview.message_id.to_lowercase().contains(value),
        }
    }
}

fn address_contains(address: &Address, value: &str) -> bool {
    address.address.to_lowercase().contains(value) || address.name.to_lowercase().contains(value)
}

fn contains_text(mail: &Mail, text: &str) -> bool {
    Field::Subject.contains(mail, text)
        || Field::Addressed.contains(mail, text)
        || mail.snippet.to_lowercase().contains(text)
        || mail.content().text.to_lowercase().contains(text)
}

/// Splits at spaces outside double quotes, and removes the quotes.
fn split_words(text: &str) -> Vec<String> {
    let mut quoted = false;
    let split = text.split(|character| {
        quoted ^= character == '"';
        character == ' ' && !quoted
    });
    split
        .map(|word| word.replace('"', "").trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(
            split_words(r#"to:"ada@example.com" "two words" three"#),
            ["to:ada@example.com", "two words", "three"]
        );
        assert_eq!(
            split_words(r#"  subject:"your code  is" "open end"#),
            ["subject:your code  is", "open end"]
        );
    }

    #[test]
    fn a_filter_that_would_be_ignored_is_refused() {
        assert_eq!(
            Query::parse("to:ada before:2020").unwrap_err(),
            QueryError::Unsupported("before:")
        );
        assert_eq!(Query::parse("-tag:x").unwrap_err(), QueryError::Unsupported("tag:"));
        for nothing in ["", "  ", "to:", "\"\""] {
            assert_eq!(Query::parse(nothing).unwrap_err(), QueryError::Empty, "{nothing:?}");
        }
    }
}
