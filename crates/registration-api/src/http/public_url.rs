//! Where clients reach the API, if that is not where it listens: behind a proxy that adds a path, or
//! under another name.

use std::fmt;

use url::Url;

/// What the links of answers begin with. By default nothing: they are relative to the server.
#[derive(Debug, Clone, Default)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads a URL with at most a path: `https://example.com/signup`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
        let url = Url::parse(text).ok().filter(|_| is_plain)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        let has_rest = url.query().is_some() || url.fragment().is_some();
        let is_web = matches!(url.scheme(), "http" | "https") && text.contains("://");
        (is_web && !has_user && !has_rest)
            .then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// Whether there is none.
    pub(crate) fn is_relative(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_a_server_and_perhaps_a_path() {
        for (text, expected) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            ("https://Example.com:443/signup/", "https://example.com/signup"),
            ("http://127.0.0.1:8080/a/b", "http://127.0.0.1:8080/a/b"),
            ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ] {
            let url = PublicUrl::parse(text).map(|url| url.to_string());
            assert_eq!(url.as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "/signup",
            "example.com/signup",
            "ftp://example.com",
            "https:example.com",
            "https://",
            "https://user@example.com",
            "https://user:secret@example.com",
            "https://example.com/?a=b",
            "https://example.com/#top",
            " https://example.com",
            "https://example.com/a b",
            "https:\\\\example.com",
        ] {
            assert!(PublicUrl::parse(text).is_none(), "{text}");
        }
    }
}
