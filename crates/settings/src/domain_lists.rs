//! Lists of mail domains, from a setting or from a file.

use domain::MailDomains;

use crate::{CommaList, SettingsError};

/// Reads the domains of a setting.
pub(crate) fn parse_list(
    key: &'static str,
    names: &CommaList<String>,
) -> Result<MailDomains, SettingsError> {
    let mut domains = MailDomains::default();
    for name in &names.0 {
        domains
            .insert(name)
            .map_err(|error| SettingsError::invalid(key, format!("has {name:?}, which {error}")))?;
    }
    Ok(domains)
}

/// Reads a file with one domain per line. Empty lines, and those that begin with `#`, are passed
/// over. Without a path there is no domain.
pub(crate) fn read_file(key: &'static str, path: &str) -> Result<MailDomains, SettingsError> {
    let mut domains = MailDomains::default();
    if path.is_empty() {
        return Ok(domains);
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        SettingsError::invalid(key, format!("names {path}, which cannot be read: {error}"))
    })?;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let name = line.trim();
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        domains.insert(name).map_err(|error| {
            let shown: String = name.chars().take(80).collect();
            let problem = format!("names {path}, where line {number}, {shown:?}, {error}");
            SettingsError::invalid(key, problem)
        })?;
    }
    Ok(domains)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const KEY: &str = "registration.disposable_domains_file";

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_file_has_one_domain_per_line() {
        let file = file("\u{feff}trash.example\r\n\n# temporary\n  Bücher.example  \n".as_bytes());
        let domains = read_file(KEY, file.path().to_str().unwrap()).unwrap();
        assert!(domains.cover("a.trash.example") && domains.cover("xn--bcher-kva.example"));
        assert!(!domains.cover("temporary"));
        assert!(read_file(KEY, "").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_one_sentence_with_file_and_line() {
        let wrong = file(b"trash.example\n\nada@trash.example\n");
        let binary = file(b"trash.example\n\xff\xfe\n");
        for (path, named) in [
            (wrong.path().to_str().unwrap(), "line 3, \"ada@trash.example\", is not a domain"),
            (binary.path().to_str().unwrap(), "UTF-8"),
            ("/nowhere/domains.txt", "cannot be read"),
            ("/", "cannot be read"),
        ] {
            let message = read_file(KEY, path).unwrap_err().to_string();
            assert!(message.contains(KEY) && message.contains(path), "{message}");
            assert!(message.contains(named) && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn an_entry_that_is_not_a_domain_is_named() {
        let names = CommaList(vec!["example.com".to_owned(), "*.example.com".to_owned()]);
        let message = parse_list("registration.denied_domains", &names).unwrap_err().to_string();
        assert!(message.contains("registration.denied_domains"), "{message}");
        assert!(message.contains("\"*.example.com\""), "{message}");
    }
}
