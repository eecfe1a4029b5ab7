//! Where a person can go after signing up: back to the product, and nowhere else.
//!
//! A link to the page may ask for a place of its own (`?return_url=…`). It is followed to listed
//! origins only; otherwise the page would lend its good name to anybody's link.

use url::{Origin, Url};

/// The places that the page may lead to.
#[derive(Debug, Clone, Default)]
pub struct ReturnUrls {
    default: Option<Url>,
    origins: Vec<Origin>,
}

/// Why a place is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReturnUrlError {
    /// Not a URL of a website.
    #[error("is not a URL like https://app.example.com/welcome")]
    Malformed,
    /// Its origin is not in the list.
    #[error("does not lead to one of signup.return_origins: add {0} there")]
    NotAllowed(String),
}

impl ReturnUrls {
    /// Leads to `default`, unless a link asks for a place at one of `origins`. `default` has to be
    /// at one of them too, if there are any.
    pub fn new(default: Option<&str>, origins: &[String]) -> Result<Self, ReturnUrlError> {
        let parse = |text: &str| parse(text).ok_or(ReturnUrlError::Malformed);
        let origins: Vec<_> = origins
            .iter()
            .map(|text| parse(text).map(|url| url.origin()))
            .collect::<Result<_, _>>()?;
        let default = default.map(parse).transpose()?;
        match &default {
            Some(url) if !origins.is_empty() && !origins.contains(&url.origin()) => {
                Err(ReturnUrlError::NotAllowed(url.origin().ascii_serialization()))
            }
            _ => Ok(Self { default, origins }),
        }
    }

    /// The place to lead to, when a link asks for `asked`. In the form in which it was checked, so
    /// that a browser cannot read another place into it.
    pub(super) fn choose(&self, asked: Option<&str>) -> Option<String> {
        let asked = asked.and_then(parse).filter(|url| self.origins.contains(&url.origin()));
        asked.as_ref().or(self.default.as_ref()).map(Url::to_string)
    }
}

/// An absolute URL of a website, without a user in it.
fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_website = matches!(url.scheme(), "https" | "http") && url.has_host();
    (is_website && url.username().is_empty() && url.password().is_none()).then_some(url)
}
