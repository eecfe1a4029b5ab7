//! The client of the hook.

use std::net::IpAddr;

use async_trait::async_trait;
use domain::EmailAddress;
use domain::ports::{HookDecision, HookError, RegistrationHook};
use recloser::{AsyncRecloser, Error as BreakerError, Recloser};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use spans::{Kind, Span};

use super::options::HttpHookOptions;
use crate::http_addresses::{CheckedResolver, Permitted, RefusedAddress};

/// More than a decision needs.
const MAX_ANSWER: usize = 4 * 1024;
/// The breaker opens when half of this many latest requests have failed.
const BREAKER_REQUESTS: usize = 10;
/// The hook may be in a private network.
const PERMITTED: Permitted = Permitted { private: true, public: true };

/// A client of the hook. Behind a circuit breaker: while the hook is down, only the few
/// registrations right after each pause wait for its timeout.
pub struct HttpHook {
    client: reqwest::Client,
    url: Url,
    breaker: AsyncRecloser,
}

/// Why the hook cannot be asked, or has not decided.
#[derive(Debug, thiserror::Error)]
pub enum HttpHookError {
    /// Not the URL of an HTTP server.
    #[error("it is not a URL like https://hooks.example.com/registration")]
    Url,
    /// The token cannot be sent in a header.
    #[error("its token has characters that no HTTP header can have")]
    Token,
    /// The host must not be asked.
    #[error(transparent)]
    Address(#[from] RefusedAddress),
    /// No connection, or a timeout.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// A status other than 200.
    #[error("the answer has status {0}, not 200")]
    Status(StatusCode),
    /// Not a decision.
    #[error("the answer is not {{\"allow\": true}} or {{\"allow\": false}}")]
    Garbled,
    /// Too many recent requests have failed; none is sent for a while.
    #[error("the circuit breaker is open")]
    Paused,
}

#[derive(Deserialize)]
struct Answer {
    allow: bool,
}

impl HttpHook {
    /// A client for `options`. Sends no request yet.
    pub fn new(options: &HttpHookOptions) -> Result<Self, HttpHookError> {
        let url = parse(&options.url)?;
        let headers = options.token.as_ref().map(authorize).transpose()?.unwrap_or_default();
        let client = reqwest::Client::builder()
            .timeout(options.timeout)
            .user_agent(concat!("registration/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .dns_resolver(CheckedResolver::new(PERMITTED))
            // Who answers must be who was asked.
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        let breaker = Recloser::custom()
            .error_rate(0.5)
            .closed_len(BREAKER_REQUESTS)
            .half_open_len(1)
            .open_wait(options.pause)
            .build();
        Ok(Self { client, url, breaker: AsyncRecloser::from(breaker) })
    }

    async fn ask(&self, email: &EmailAddress, client: IpAddr) -> Result<bool, HttpHookError> {
        let body = serde_json::json!({ "email": email.as_str(), "client": client });
        let mut response = self.client.post(self.url.clone()).json(&body).send().await?;
        if response.status() != StatusCode::OK {
            return Err(HttpHookError::Status(response.status()));
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER {
                return Err(HttpHookError::Garbled);
            }
        }
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| HttpHookError::Garbled)?;
        Ok(answer.allow)
    }
}

fn parse(text: &str) -> Result<Url, HttpHookError> {
    let url = Url::parse(text).map_err(|_| HttpHookError::Url)?;
    let is_plain = matches!(url.scheme(), "https" | "http")
        && url.username().is_empty()
        && url.password().is_none();
    let host = url.host_str().filter(|_| is_plain).ok_or(HttpHookError::Url)?;
    // The resolver is only asked for names.
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        PERMITTED.check(address)?;
    }
    Ok(url)
}

fn authorize(token: &SecretString) -> Result<HeaderMap, HttpHookError> {
    let value = format!("Bearer {}", token.expose_secret());
    let mut value = HeaderValue::from_str(&value).map_err(|_| HttpHookError::Token)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

#[async_trait]
impl RegistrationHook for HttpHook {
    async fn decide(
        &self,
        email: &EmailAddress,
        client: IpAddr,
    ) -> Result<HookDecision, HookError> {
        let span = Span::part("POST", Kind::Client).with("http.request.method", "POST");
        match span.run(self.breaker.call(self.ask(email, client))).await {
            Ok(true) => Ok(HookDecision::Allow),
            Ok(false) => Ok(HookDecision::Refuse),
            Err(BreakerError::Inner(error)) => Err(HookError(Box::new(error))),
            Err(BreakerError::Rejected) => Err(HookError(Box::new(HttpHookError::Paused))),
        }
    }
}
