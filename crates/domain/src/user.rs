//! The user: one registration of an address, from its claim to the active account.

use crate::code::CodeIssue;
use crate::email_address::EmailAddress;
use crate::event::UserEvent;
use crate::languages::Languages;
use crate::password::PasswordHash;
use crate::user_id::UserId;

/// The status of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// Waiting for the code.
    Pending {
        /// Whether the mail with the current code is settled: the mail server has accepted it, or
        /// has refused it for good.
        code_mailed: bool,
    },
    /// Activated with the code.
    Active,
}

/// The user is already active: no further code or activation is possible.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the user is already active")]
pub struct AlreadyActive;

/// One registration. Its changes are recorded as events, which the repository stores together with
/// the change in one transaction.
#[derive(Debug)]
pub struct User {
    id: UserId,
    email: EmailAddress,
    password_hash: PasswordHash,
    code_number: u32,
    status: UserStatus,
    languages: Languages,
    /// How often an operator has renewed its guesses.
    guesses_renewed: u32,
    events: Vec<UserEvent>,
}

impl User {
    /// A new claim of an address, with its first code. Records [`UserEvent::UserRegistered`].
    pub fn register(id: UserId, email: EmailAddress, password_hash: PasswordHash) -> Self {
        let mut user =
            Self::restore(id, email, password_hash, 1, UserStatus::Pending { code_mailed: false });
        user.events.push(UserEvent::UserRegistered { issue: user.issue() });
        user
    }

    /// A user as read from a store. Records nothing.
    pub fn restore(
        id: UserId,
        email: EmailAddress,
        password_hash: PasswordHash,
        code_number: u32,
        status: UserStatus,
    ) -> Self {
        Self {
            id,
            email,
            password_hash,
            code_number,
            status,
            languages: Languages::default(),
            guesses_renewed: 0,
            events: Vec::new(),
        }
    }

    /// The same user, whose guesses an operator has renewed so many times.
    #[must_use]
    pub fn with_guesses_renewed(self, times: u32) -> Self {
        Self { guesses_renewed: times, ..self }
    }

    /// The user who wants mails in these languages.
    #[must_use]
    pub fn with_languages(mut self, languages: Languages) -> Self {
        self.languages = languages;
        self
    }

    /// Has mails written in these languages from now on. Nothing changes if none are named.
    pub fn prefer(&mut self, languages: Languages) {
        if !languages.is_empty() {
            self.languages = languages;
        }
    }

    /// Requests another code, which supersedes all earlier ones. Records
    /// [`UserEvent::CodeRequested`].
    pub fn request_code(&mut self) -> Result<CodeIssue, AlreadyActive> {
        if self.is_active() {
            return Err(AlreadyActive);
        }
        self.code_number += 1;
        self.status = UserStatus::Pending { code_mailed: false };
        self.events.push(UserEvent::CodeRequested { issue: self.issue() });
        Ok(self.issue())
    }

    /// Makes the user active. Records [`UserEvent::UserActivated`].
    pub fn activate(&mut self) -> Result<(), AlreadyActive> {
        if self.is_active() {
            return Err(AlreadyActive);
        }
        self.status = UserStatus::Active;
        self.events.push(UserEvent::UserActivated { user_id: self.id });
        Ok(())
    }

    /// Takes the events recorded since the user was created or restored.
    pub fn take_events(&mut self) -> Vec<UserEvent> {
        std::mem::take(&mut self.events)
    }

    /// Identifies the registration.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The address that the code is mailed to.
    pub fn email(&self) -> &EmailAddress {
        &self.email
    }

    /// The hash that the password is verified against.
    pub fn password_hash(&self) -> &PasswordHash {
        &self.password_hash
    }

    /// The current code.
    pub fn issue(&self) -> CodeIssue {
        CodeIssue { user_id: self.id, number: self.code_number }
    }

    /// What the guesses at its codes are counted under: its address, over all claims of it, until an
    /// operator renews the guesses.
    pub fn guess_budget(&self) -> String {
        let address = self.email.lookup_key();
        match self.guesses_renewed {
            0 => address,
            times => format!("{address} {times}"),
        }
    }

    /// The languages that mails to this user are written in, if there are texts in them.
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    /// Where the registration stands.
    pub fn status(&self) -> UserStatus {
        self.status
    }

    /// Whether the account has been activated.
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user() -> User {
        User::register(
            UserId::from_uuid(Uuid::from_u128(7)),
            EmailAddress::parse("ada@example.com").unwrap(),
            PasswordHash::from_phc("$argon2id$".into()),
        )
    }

    #[test]
    fn each_change_is_recorded_once() {
        let mut user = user();
        let first = user.issue();
        let second = user.request_code().unwrap();
        user.activate().unwrap();
        assert_eq!(
            user.take_events(),
            [
                UserEvent::UserRegistered { issue: first },
                UserEvent::CodeRequested { issue: second },
                UserEvent::UserActivated { user_id: user.id() },
            ]
        );
        assert!(user.take_events().is_empty());
    }

    #[test]
    fn a_new_code_has_the_next_number() {
        let mut user = user();
        let first = user.issue();
        let second = user.request_code().unwrap();
        assert_eq!((first.number, second.number), (1, 2));
        assert_eq!(user.issue(), second);
    }

    #[test]
    fn the_latest_word_on_languages_counts() {
        let mut user = user().with_languages(Languages::from_stored("fr"));
        user.prefer(Languages::default());
        assert_eq!(user.languages(), &Languages::from_stored("fr"));
        user.prefer(Languages::from_stored("en"));
        assert_eq!(user.languages(), &Languages::from_stored("en"));
    }

    #[test]
    fn an_active_user_stays_as_it_is() {
        let mut user = user();
        user.activate().unwrap();
        user.take_events();
        assert_eq!(user.activate(), Err(AlreadyActive));
        assert_eq!(user.request_code(), Err(AlreadyActive));
        assert!(user.take_events().is_empty());
    }
}
