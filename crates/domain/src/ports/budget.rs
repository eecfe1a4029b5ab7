//! What may happen only so often in any stretch of time: guesses and mails.

use std::time::Duration;

use async_trait::async_trait;

use super::source::Source;

/// Counts what is spent per key in sliding periods. Every operation is one atomic step.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Spends one, before what it pays for is done. In any stretch of an allowance's period, at
    /// most its `amount` of calls for one key get [`Spending::Allowed`] and are not given back; of
    /// several allowances each holds. A refused call is not counted.
    async fn spend(
        &self,
        key: &BudgetKey,
        allowances: &[Allowance],
    ) -> Result<Spending, BudgetError>;

    /// Gives back what was spent last, because what it paid for was not done. Does nothing where
    /// nothing is spent.
    async fn give_back(&self, key: &BudgetKey) -> Result<(), BudgetError>;
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetKind {
    /// Guesses at the codes of one address.
    Guesses,
    /// Wrong guesses of one client.
    GuessesOfClient,
    /// Wrong passwords for one address that the product asked about.
    PasswordsOfAddress,
    /// Wrong passwords of one client that the product asked about.
    PasswordsOfClient,
    /// Mails to one mailbox.
    Mails,
    /// Mails to one mailbox that one network has caused.
    MailsOfNetwork,
    /// Uses of one solved challenge.
    SolvedChallenges,
}

impl BudgetKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Guesses,
        Self::GuessesOfClient,
        Self::PasswordsOfAddress,
        Self::PasswordsOfClient,
        Self::Mails,
        Self::MailsOfNetwork,
        Self::SolvedChallenges,
    ];

    /// Its name, as part of a key in a store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guesses => "guesses",
            Self::GuessesOfClient => "client-guesses",
            Self::PasswordsOfAddress => "passwords",
            Self::PasswordsOfClient => "client-passwords",
            Self::Mails => "mails",
            Self::MailsOfNetwork => "network-mails",
            Self::SolvedChallenges => "solved-challenges",
        }
    }

    /// Whether a full store may forget the oldest entries of this kind rather than refuse to count
    /// new ones. A forgotten mail is one mail more; a forgotten guess would be one that an attacker
    /// can have again. A password has no such few possibilities, and the product goes on asking
    /// while nothing counts.
    pub fn may_be_forgotten(self) -> bool {
        !matches!(self, Self::Guesses | Self::GuessesOfClient)
    }
}

/// What is counted and for whom. Adapters store a digest of the subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BudgetKey {
    /// What is counted.
    pub kind: BudgetKind,
    /// For whom, e.g. the lookup key of an address.
    pub subject: String,
}

/// The size of a budget: 20 guesses in 24 hours, for example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many in one period; at least 1.
    pub amount: u32,
    /// How long one counts.
    pub period: Duration,
}

/// What came of spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Counted: what was paid for may be done now, once.
    Allowed,
    /// The budget is used up.
    Refused {
        /// When enough of what was spent stops counting.
        retry_after: Duration,
    },
}

/// The budget did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the budget is unavailable")]
pub struct BudgetError(#[source] pub Source);
