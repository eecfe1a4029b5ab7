//! Lists of mail domains: who may sign up, and who may not.

use std::collections::HashSet;

use crate::email_address::to_ascii_domain;

/// Names of mail domains. A name stands for its subdomains too: `example.com` covers
/// `mail.example.com`, but not `notexample.com`.
///
/// ```
/// use domain::MailDomains;
///
/// let mut domains = MailDomains::default();
/// domains.insert("Example.com")?;
/// domains.insert("bücher.example")?;
/// assert!(domains.cover("example.com") && domains.cover("mail.example.com"));
/// assert!(domains.cover("xn--bcher-kva.example"));
/// assert!(!domains.cover("notexample.com") && !domains.cover("com"));
/// assert!(domains.insert("ada@example.com").is_err());
/// # Ok::<(), domain::MailDomainError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailDomains(HashSet<String>);

/// The text is not the name of a domain.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("is not a domain like example.com")]
pub struct MailDomainError;

impl MailDomains {
    /// Adds a name, in any case and script.
    pub fn insert(&mut self, name: &str) -> Result<(), MailDomainError> {
        let name = to_ascii_domain(name).ok_or(MailDomainError)?;
        let has_labels = name.split('.').all(|label| !label.is_empty() && label.len() <= 63);
        if !has_labels || name.len() > 253 {
            return Err(MailDomainError);
        }
        self.0.insert(name.into_owned());
        Ok(())
    }

    /// Whether the list covers a domain, as [`EmailAddress::domain`](crate::EmailAddress::domain)
    /// writes it.
    pub fn cover(&self, domain: &str) -> bool {
        let parents = domain.match_indices('.').map(|(dot, _)| &domain[dot + 1..]);
        std::iter::once(domain).chain(parents).any(|name| self.0.contains(name))
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EmailAddress;
    use proptest::prelude::*;

    fn list(names: &[&str]) -> MailDomains {
        let mut domains = MailDomains::default();
        names.iter().for_each(|name| domains.insert(name).unwrap());
        domains
    }

    #[test]
    fn a_name_covers_its_subdomains_and_nothing_else() {
        let domains = list(&["example.com", "zip"]);
        for covered in ["example.com", "a.example.com", "a.b.example.com", "some.zip"] {
            assert!(domains.cover(covered), "{covered}");
        }
        for other in ["com", "example.org", "anexample.com", "example.com.org", "", "zip.example"] {
            assert!(!domains.cover(other), "{other}");
        }
        assert!(!MailDomains::default().cover("example.com"));
    }

    #[test]
    fn what_is_not_a_domain_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for name in [
            "",
            " ",
            ".",
            "example..com",
            ".example.com",
            "example.com.",
            "*.example.com",
            "a b",
            "@example.com",
            "http://example.com",
            "exa_mple.com",
            "-example.com",
            &long,
        ] {
            assert_eq!(MailDomains::default().insert(name), Err(MailDomainError), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn fuzz_no_name_makes_it_panic_and_addresses_of_a_listed_domain_are_covered(name in "\\PC{0,40}|[a-zA-Zäß0-9.-]{1,30}") {
            let mut domains = MailDomains::default();
            if domains.insert(&name).is_ok()
                && let Ok(address) = EmailAddress::parse(&format!("ada@{name}"))
            {
                prop_assert!(domains.cover(address.domain()));
            }
        }
    }
}
