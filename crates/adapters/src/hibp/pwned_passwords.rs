//! The client of the range API.

use async_trait::async_trait;
use domain::Password;
use domain::ports::{BreachCheckError, BreachedPasswords};
use recloser::{AsyncRecloser, Error as BreakerError, Recloser};
use sha1::{Digest, Sha1};
use spans::{Kind, Span};

use super::options::HibpOptions;

/// The digits that are sent.
const PREFIX_LENGTH: usize = 5;
/// A padded answer has about 1,000 lines of 40 bytes; more than this is not an answer.
const MAX_ANSWER: usize = 512 * 1024;
/// The breaker opens when half of this many latest requests have failed.
const BREAKER_REQUESTS: usize = 10;

/// A client of the range API. Behind a circuit breaker: while the API is down, only the few
/// registrations right after each pause wait for its timeout.
pub struct PwnedPasswords {
    client: reqwest::Client,
    base_url: String,
    breaker: AsyncRecloser,
}

/// Why there is no usable answer from the API.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// No connection, a timeout, or a status other than 200.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// The response is not in the format of the API.
    #[error("the answer is not a list of hash suffixes")]
    Garbled,
    /// Too many recent requests have failed; none is sent for a while.
    #[error("the circuit breaker is open")]
    Paused,
}

impl PwnedPasswords {
    /// A client for `options`. Fails if TLS cannot be set up; sends no request yet.
    pub fn new(options: HibpOptions) -> Result<Self, RangeError> {
        let client = reqwest::Client::builder()
            .timeout(options.timeout)
            .user_agent(concat!("registration/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let breaker = Recloser::custom()
            .error_rate(0.5)
            .closed_len(BREAKER_REQUESTS)
            .half_open_len(1)
            .open_wait(options.pause)
            .build();
        Ok(Self { client, base_url: options.base_url, breaker: AsyncRecloser::from(breaker) })
    }

    async fn ask(&self, digest: &str) -> Result<bool, RangeError> {
        let (prefix, suffix) = digest.split_at(PREFIX_LENGTH);
        let mut response = self
            .client
            .get(format!("{}/range/{prefix}", self.base_url))
            .header("Add-Padding", "true")
            .send()
            .await?
            .error_for_status()?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER {
                return Err(RangeError::Garbled);
            }
        }
        occurs(suffix, std::str::from_utf8(&answer).map_err(|_| RangeError::Garbled)?)
    }
}

/// Looks for a suffix among lines of `SUFFIX:COUNT`. A count of 0 is padding, not a finding.
fn occurs(suffix: &str, answer: &str) -> Result<bool, RangeError> {
    let mut found = false;
    let mut lines = 0;
    for line in answer.lines() {
        let (candidate, count) = line.trim().split_once(':').ok_or(RangeError::Garbled)?;
        let count: u64 = count.parse().map_err(|_| RangeError::Garbled)?;
        if candidate.len() != suffix.len() {
            return Err(RangeError::Garbled);
        }
        found |= count > 0 && candidate.eq_ignore_ascii_case(suffix);
        lines += 1;
    }
    // The API never returns an empty list: an empty response comes from a proxy in between.
    if lines == 0 { Err(RangeError::Garbled) } else { Ok(found) }
}

fn digest(password: &Password) -> String {
    base16ct::upper::encode_string(&Sha1::digest(password.expose().as_bytes()))
}

#[async_trait]
impl BreachedPasswords for PwnedPasswords {
    async fn contains(&self, password: &Password) -> Result<bool, BreachCheckError> {
        let span = Span::part("GET", Kind::Client).with("http.request.method", "GET");
        let digest = digest(password);
        span.run(self.breaker.call(self.ask(&digest))).await.map_err(|error| {
            BreachCheckError(Box::new(match error {
                BreakerError::Inner(error) => error,
                BreakerError::Rejected => RangeError::Paused,
            }))
        })
    }
}
