//! `[mail]`: the mails themselves.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::path::PathBuf;

use serde::Deserialize;

use crate::{CommaList, SettingsError};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    from: String,
    reply_to: String,
    pub product_name: String,
    pub accent_color: String,
    pub footer: String,
    pub default_language: String,
    templates_dir: String,
    pub dkim_selector: CommaList<String>,
    dkim_domain: String,
    pub dkim_key_file: CommaList<PathBuf>,
}

impl MailSettings {
    /// Name and address of the sender.
    pub fn sender(&self) -> (String, String) {
        read_mailbox(&self.from)
    }

    /// The name and address that replies go to, if not to the sender.
    pub fn reply_to(&self) -> Option<(String, String)> {
        Some(self.reply_to.trim()).filter(|text| !text.is_empty()).map(read_mailbox)
    }

    /// The domain that vouches for the mails.
    pub fn dkim_domain(&self) -> String {
        let (_, from) = self.sender();
        let domain_of_sender = || from.rsplit_once('@').map_or("", |(_, domain)| domain).to_owned();
        match self.dkim_domain.trim() {
            "" => domain_of_sender(),
            set => set.to_owned(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let (selectors, files) = (self.dkim_selector.0.len(), self.dkim_key_file.0.len());
        if selectors != files {
            let problem = format!(
                "names {selectors} and mail.dkim_key_file {files}: name one selector for each key"
            );
            return Err(SettingsError::invalid("mail.dkim_selector", problem));
        }
        if selectors == 0 && !self.dkim_domain.is_empty() {
            let problem = "has no effect without mail.dkim_selector and mail.dkim_key_file";
            return Err(SettingsError::invalid("mail.dkim_domain", problem));
        }
        Ok(())
    }

    /// Where the operator's own templates are.
    pub fn templates_dir(&self) -> Option<PathBuf> {
        Some(&self.templates_dir).filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}

/// Name and address, from `Name <address>` or an address alone. The name may be quoted, and the
/// domain written in any script.
fn read_mailbox(text: &str) -> (String, String) {
    match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (unquote(name.trim()), with_ascii_domain(address.trim())),
        None => (String::new(), with_ascii_domain(text.trim())),
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
        assert_eq!(Sources::default().load().unwrap().mail.reply_to(), None);
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
            let settings = Sources::default().with("mail.reply_to", &text).load().unwrap();
            assert_eq!(settings.mail.reply_to(), Some((name.to_owned(), address.to_owned())));
        }
    }

    #[test]
    fn each_dkim_key_has_a_selector() {
        let refusal = |pairs: &[(&'static str, &str)]| {
            let sources =
                pairs.iter().fold(Sources::default(), |all, (key, value)| all.with(key, value));
            sources.load().map(drop).unwrap_err().to_string()
        };
        for (selector, files) in [("a", ""), ("", "a.pem"), ("a, b", "a.pem")] {
            let message =
                refusal(&[("mail.dkim_selector", selector), ("mail.dkim_key_file", files)]);
            assert!(message.starts_with("setting mail.dkim_selector ("), "{message}");
        }
        let message = refusal(&[("mail.dkim_domain", "example.com")]);
        assert!(message.contains("mail.dkim_domain") && message.contains("no effect"), "{message}");
    }
}
