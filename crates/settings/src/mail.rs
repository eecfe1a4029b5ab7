//! `[mail]`: the mails themselves.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    from: String,
    pub product: String,
}

impl MailSettings {
    /// Name and address of the sender, from `Name <address>` or an address alone. The name may be
    /// quoted, and the domain written in any script.
    pub fn sender(&self) -> (String, String) {
        match self.from.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (unquote(name.trim()), with_ascii_domain(address.trim())),
            None => (String::new(), with_ascii_domain(self.from.trim())),
        }
    }
}

/// What a quoted string stands for (RFC 5322 section 3.2.4); any other text stands for itself.
fn unquote(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.and_then(read_quoted).unwrap_or_else(|| name.to_owned())
}

fn read_quoted(inner: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
    Some(text)
}

/// Few mail servers take a domain in another form (RFC 6531). What is not a domain is refused with
/// the address.
fn with_ascii_domain(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => idna::domain_to_ascii(domain)
            .map_or_else(|_| address.to_owned(), |ascii| format!("{local}@{ascii}")),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("no-reply@example.com", "", "no-reply@example.com"),
            ("Example <no-reply@Example.com>", "Example", "no-reply@Example.com"),
            ("Example, Inc. <a@b.c>", "Example, Inc.", "a@b.c"),
            (r#""Example, Inc." <a@b.c>"#, "Example, Inc.", "a@b.c"),
            (r#" "The \"Best\" \\ Co." <a@b.c> "#, r#"The "Best" \ Co."#, "a@b.c"),
            (r#""One" and "Two" <a@b.c>"#, r#""One" and "Two""#, "a@b.c"),
            (r#"12" Records <a@b.c>"#, r#"12" Records"#, "a@b.c"),
            (r#"" <a@b.c>"#, r#"""#, "a@b.c"),
            ("Bücher <info@bücher.example>", "Bücher", "info@xn--bcher-kva.example"),
            ("info@例え.テスト", "", "info@xn--r8jz45g.xn--zckzah"),
        ] {
            let settings = Sources::default().with("mail.from", &text).load().unwrap();
            assert_eq!(settings.mail.sender(), (name.to_owned(), address.to_owned()), "{text}");
        }
    }
}
