//! An answer of the API, read whole, and what every error must look like.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: String,
}

impl Reply {
    /// Reads an answer to its end.
    pub async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await?;
        Ok(Self {
            status,
            headers,
            body: String::from_utf8(body.to_vec()).expect("UTF-8 in every body"),
        })
    }

    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of ASCII"))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The value of `field` in the body, which is a text.
    pub fn text(&self, field: &str) -> String {
        self.json()[field]
            .as_str()
            .unwrap_or_else(|| panic!("no text in {field}: {self:?}"))
            .to_owned()
    }

    /// The wait that a 429 or 503 asks for, in seconds (RFC 9110 section 10.2.3).
    pub fn retry_after(&self) -> u64 {
        self.header("retry-after")
            .parse()
            .unwrap_or_else(|_| panic!("no whole seconds in Retry-After: {self:?}"))
    }

    /// Asserts the status of a success.
    #[track_caller]
    pub fn expect_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts a whole problem document (RFC 9457), and the headers its status calls for.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> &Self {
        self.expect_status(status);
        let media_type = self.header("content-type").split(';').next().unwrap_or_default().trim();
        assert_eq!(media_type, "application/problem+json", "{self:?}");
        assert_eq!(self.json()["status"], status, "{self:?}");
        assert_eq!(self.text("code"), code, "{self:?}");
        assert!(self.text("type").ends_with(code), "the type names the code: {self:?}");
        assert!(!self.text("title").is_empty() && !self.text("detail").is_empty(), "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        self.expect_headers_of_status();
        self
    }

    fn expect_headers_of_status(&self) {
        match self.status {
            401 => {
                let challenge = self.header("www-authenticate");
                assert!(challenge.starts_with("Basic realm=\""), "{self:?}");
                assert!(challenge.contains("charset=\"UTF-8\""), "{self:?}");
            }
            405 => assert!(!self.header("allow").is_empty(), "{self:?}"),
            429 | 503 => assert!(self.retry_after() > 0, "{self:?}"),
            _ => {}
        }
    }

    /// Asserts a 422 that points at one field and says why.
    #[track_caller]
    pub fn expect_invalid(&self, pointer: &str) -> &Self {
        self.expect_problem(422, "validation-failed");
        let body = self.json();
        let errors = body["errors"].as_array().expect("a list of errors");
        let error = errors.iter().find(|error| error["pointer"] == pointer);
        let error = error.unwrap_or_else(|| panic!("nothing about {pointer}: {self:?}"));
        assert!(error["code"].as_str().is_some_and(|code| !code.is_empty()), "{self:?}");
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
        self
    }
}
