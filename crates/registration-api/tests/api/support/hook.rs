//! A registration hook that decides as it is told.

use std::net::IpAddr;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::EmailAddress;
use domain::ports::{HookDecision, HookError, RegistrationHook};

use super::broken;

/// What it answers, `None` for nothing at all, and whom it was asked about.
pub(crate) struct Hook {
    pub(crate) answer: Option<HookDecision>,
    pub(crate) asked: Mutex<Vec<(String, IpAddr)>>,
}

impl Hook {
    pub(crate) fn new(answer: Option<HookDecision>) -> Self {
        Self { answer, asked: Mutex::default() }
    }
}

#[async_trait]
impl RegistrationHook for Hook {
    async fn decide(
        &self,
        email: &EmailAddress,
        client: IpAddr,
    ) -> Result<HookDecision, HookError> {
        self.asked.lock().unwrap().push((email.as_str().to_owned(), client));
        self.answer.ok_or_else(|| HookError(broken()))
    }
}
