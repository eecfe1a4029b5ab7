//! A client of the API and of the inbox, as far as the trials need one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::command::wait_for;
use super::error::{ComposeError, require};
use crate::process::Interrupt;

const API: &str = "http://127.0.0.1:8000/api/v1/users";
const INBOX: &str = "http://127.0.0.1:8025/api/v1";
const PASSWORD: &str = "correct horse battery staple";
const ANSWER_LIMIT: Duration = Duration::from_secs(45);
/// Longer than the retries that a mail goes through when its server is restarted.
const MAIL_LIMIT: Duration = Duration::from_mins(3);

/// Speaks HTTP to the published ports.
pub(super) struct Client<'a> {
    http: ureq::Agent,
    interrupt: &'a Interrupt,
}

/// An answer of the API: its status and its problem code, if it has one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    problem: Option<String>,
}

impl<'a> Client<'a> {
    pub(super) fn new(interrupt: &'a Interrupt) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_LIMIT))
            .http_status_as_error(false)
            // A connection that was kept would outlive the container that it leads to.
            .max_idle_connections(0)
            .proxy(None);
        Self { http: config.build().into(), interrupt }
    }

    /// Registers an address; an error if there is no answer.
    pub(super) fn register(&self, email: &str) -> Result<Answer, ComposeError> {
        let url = format!("{API}/register");
        let request = self.http.post(&url);
        answer(&url, request.send_json(json!({"email": email, "password": PASSWORD})))
    }

    /// Activates an address with a code.
    pub(super) fn activate(&self, email: &str, code: &str) -> Result<Answer, ComposeError> {
        let url = format!("{API}/activate");
        let credentials = STANDARD.encode(format!("{email}:{PASSWORD}"));
        let request = self.http.post(&url).header("Authorization", format!("Basic {credentials}"));
        answer(&url, request.send_json(json!({"code": code})))
    }

    /// The texts of the mails to an address.
    pub(super) fn mails(&self, email: &str) -> Result<Vec<String>, ComposeError> {
        let query = format!("{INBOX}/search?query=to:%22{}%22", email.replace('@', "%40"));
        let found = self.get(&query)?;
        let messages = found.get("messages").and_then(Value::as_array).into_iter().flatten();
        let ids = messages.filter_map(|message| message.get("ID")?.as_str());
        ids.map(|id| {
            let mail = self.get(&format!("{INBOX}/message/{id}"))?;
            Ok(mail.get("Text").and_then(Value::as_str).unwrap_or_default().to_owned())
        })
        .collect()
    }

    /// Waits for the first mail to an address.
    pub(super) fn first_mail(&self, email: &str) -> Result<String, ComposeError> {
        self.first_mail_within(email, MAIL_LIMIT)
    }

    /// The same, for mails that much is ahead of.
    pub(super) fn first_mail_within(
        &self,
        email: &str,
        limit: Duration,
    ) -> Result<String, ComposeError> {
        let what = format!("a mail to {email}");
        wait_for(&what, limit, self.interrupt, || {
            let mails = self.mails(email).map_err(|error| error.to_string())?;
            mails.into_iter().next().ok_or_else(|| "none".to_owned())
        })
    }

    /// Registers an address, reads the code in its mail and activates it; returns the mail.
    pub(super) fn sign_up(&self, email: &str) -> Result<String, ComposeError> {
        expect(&self.register(email)?, 201, None)?;
        expect(&self.register(email)?, 409, Some("email-taken"))?;
        let mail = self.first_mail(email)?;
        let code = find_code(&mail)
            .ok_or_else(|| ComposeError::Refuted(format!("no code in the mail: {mail}")))?;
        let wrong = if code == "0000" { "0001" } else { "0000" };
        expect(&self.activate(email, wrong)?, 400, Some("code-invalid"))?;
        expect(&self.activate(email, code)?, 200, None)?;
        self.expect_active(email)?;
        Ok(mail)
    }

    /// An error unless the address is that of an active account.
    pub(super) fn expect_active(&self, email: &str) -> Result<(), ComposeError> {
        expect(&self.activate(email, "0000")?, 409, Some("already-active"))
    }

    fn get(&self, url: &str) -> Result<Value, ComposeError> {
        let no_answer = |problem: ureq::Error| ComposeError::Http {
            url: url.to_owned(),
            problem: problem.to_string(),
        };
        self.http.get(url).call().map_err(no_answer)?.body_mut().read_json().map_err(no_answer)
    }
}

fn answer(
    url: &str,
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Answer, ComposeError> {
    let mut response = response.map_err(|problem| ComposeError::Http {
        url: url.to_owned(),
        problem: problem.to_string(),
    })?;
    let status = response.status().as_u16();
    let body: Value = response.body_mut().read_json().unwrap_or_default();
    let problem = body.get("code").and_then(Value::as_str).map(str::to_owned);
    Ok(Answer { status, problem })
}

/// An error unless the API has answered like this.
pub(super) fn expect(
    answer: &Answer,
    status: u16,
    problem: Option<&str>,
) -> Result<(), ComposeError> {
    let is_expected = answer.status == status && answer.problem.as_deref() == problem;
    require(is_expected, || format!("the API answered {answer:?} instead of {status} {problem:?}"))
}

/// An address that was never used.
pub(super) fn new_address(name: &str) -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed);
    format!("{name}.{}.{number}@example.com", std::process::id())
}

/// The number of four digits in a mail.
fn find_code(mail: &str) -> Option<&str> {
    mail.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_number_of_four_digits() {
        assert_eq!(find_code("It counts for 60 seconds: 0815."), Some("0815"));
        assert_eq!(find_code("no code, 12345 is none"), None);
    }
}
