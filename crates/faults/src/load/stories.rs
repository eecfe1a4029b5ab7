//! What clients do, each to its end: they try again and fail over until they have what they want.

use std::time::Duration;

use test_support::soon_within;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::Client;
use crate::evidence::{Answer, Copy, Exchange, Request, Story};

/// How long a client whose code was refused waits for a newer one before it asks for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many wrong guesses a client makes at once: more than a code allows.
const GUESSES: u16 = 8;

/// Codes of an address that are used up one after the other: more guesses than it has.
const CODES: usize = 3;

impl Client {
    /// Does what the story says.
    pub(super) async fn live(self: std::sync::Arc<Self>) {
        self.ask_until_answered(Request::Register).await;
        let mut mail = self.mail_after(None).await;
        match self.story() {
            Story::Activates => {}
            Story::Resends => mail = self.renewed(mail).await,
            Story::Guesses => self.guess_wrong(&mail, 3).await,
            Story::Exhausts => {
                self.guess_wrong(&mail, GUESSES).await;
                self.ask(Request::Activate(mail.code.clone())).await;
                mail = self.renewed(mail).await;
            }
            Story::ExhaustsAddress => {
                for _ in 0..CODES {
                    self.guess_wrong(&mail, GUESSES).await;
                    mail = self.renewed(mail).await;
                }
            }
        }
        self.activate(mail).await;
        self.end_story();
    }

    /// Sends the code of the newest mail until the account is active, or its address has no guess
    /// left.
    async fn activate(&self, mut mail: Copy) {
        loop {
            let answer = self.ask(Request::Activate(mail.code.clone())).await;
            match answer.status() {
                Some(200) => return,
                Some(429) if is_about_address(&answer) => return,
                // Another request has used the code, or is using it: which is it?
                Some(409) if self.is_active().await => return,
                Some(400) => match timeout(PATIENCE, self.mail_after(Some(&mail))).await {
                    Ok(newer) => mail = newer,
                    Err(_) => mail = self.renewed(mail).await,
                },
                Some(409) => mail = self.mail_after(Some(&mail)).await,
                Some(401 | 410 | 429) => mail = self.renewed(mail).await,
                _ => self.fail_over().await,
            }
        }
    }

    /// Asks for another code, which an active account does not get.
    async fn is_active(&self) -> bool {
        match self.ask_until_answered(Request::Resend).await {
            Answer::Status { problem, .. } => problem == "already-active",
            _ => false,
        }
    }

    /// The mail with another code than `old`.
    async fn renewed(&self, old: Copy) -> Copy {
        self.ask_until_answered(Request::Resend).await;
        self.mail_after(Some(&old)).await
    }

    /// Sends wrong codes all at once, over all APIs.
    async fn guess_wrong(self: &std::sync::Arc<Self>, mail: &Copy, count: u16) {
        let right: u16 = mail.code.parse().expect("a code of four digits");
        let mut guesses = JoinSet::new();
        for step in 1..=count {
            let client = self.clone();
            let wrong = format!("{:04}", (right + step) % 10_000);
            guesses.spawn(async move {
                client.turn_to_next_api();
                client.ask(Request::Activate(wrong)).await
            });
        }
        guesses.join_all().await;
    }

    /// Asks an account that was active whether it is so still.
    pub(super) async fn check_active(&self) {
        let history = self.history();
        if history.exchanges.iter().any(Exchange::says_active) {
            let request = self.ask_until_answered(Request::Resend);
            soon_within(Duration::from_mins(1), "an answer after the last fault", request).await;
        }
    }
}

/// Whether the address has no guess left: another code would be of no use.
fn is_about_address(answer: &Answer) -> bool {
    matches!(answer, Answer::Status { detail, .. } if detail.contains("for this address"))
}
