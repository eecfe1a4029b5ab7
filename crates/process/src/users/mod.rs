//! The commands with which an operator looks after accounts. Each that does something, or shows what
//! is personal, is one line in the log.

mod layout;
mod selector;

use std::ops::ControlFlow;
use std::sync::Arc;

use clap::{Args, Subcommand};
use domain::ports::{Accounts, IdSource, SaveError, Suppressions, UserRepository};
use domain::{Account, Event, EventId, TraceParent, UserEvent, UserId};

use self::layout::{as_export, as_json, as_line, as_page};
use self::selector::Selector;
use crate::error::StartError;
use crate::output::{print, tell, write_output};

/// How many accounts are in memory at once.
const PAGE_SIZE: u32 = 500;

/// What to do with accounts.
#[derive(Debug, Clone, Subcommand)]
#[expect(missing_docs, reason = "an argument is documented where it is defined")]
pub enum UserCommand {
    /// List the accounts, one per line, the oldest first: identifier, address, whether it is active,
    /// when it was registered and activated.
    List {
        /// Stop after this many.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        #[command(flatten)]
        format: Format,
    },
    /// Show one of them.
    Show {
        #[command(flatten)]
        user: Chosen,
        #[command(flatten)]
        format: Format,
    },
    /// Print all that is stored of an account but the hash of its password, as JSON: for the person
    /// whose it is.
    Export {
        #[command(flatten)]
        user: Chosen,
    },
    /// Delete an account for good; `user.deleted` follows.
    Delete {
        #[command(flatten)]
        user: Chosen,
        /// Say what would be deleted, and delete nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Mail another code, whatever the limits on mails say.
    Resend {
        #[command(flatten)]
        user: Chosen,
        #[command(flatten)]
        format: Format,
    },
    /// Let the codes of an account be guessed anew, whose guesses of the day are used up.
    Unblock {
        #[command(flatten)]
        user: Chosen,
        #[command(flatten)]
        format: Format,
    },
}

/// The account that a command is about.
#[derive(Debug, Clone, Args)]
pub struct Chosen {
    /// Its identifier or its address.
    #[arg(value_name = "ID|ADDRESS")]
    user: Selector,
}

/// How accounts are printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct Format {
    /// Print a JSON object per account, on a line of its own.
    #[arg(long)]
    json: bool,
}

/// Where the accounts are.
pub struct UserStores {
    /// Accounts as others see them.
    pub accounts: Arc<dyn Accounts>,
    /// The users, in the same store.
    pub users: Arc<dyn UserRepository>,
    /// The addresses that are not mailed.
    pub suppressions: Arc<dyn Suppressions>,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
}

/// What only these commands can meet.
#[derive(Debug, thiserror::Error)]
enum UserCommandError {
    #[error("no account has the {0}; `users list` shows which there are")]
    NotFound(Selector),
    #[error("the account is active and needs no code")]
    Active,
    #[error("the account has changed meanwhile; look at it with `users show` and try again")]
    Changed,
}

impl UserCommand {
    /// Does it. Accounts go to standard output, what was done to standard error.
    pub async fn run(self, stores: &UserStores) -> Result<(), StartError> {
        match self {
            Self::List { limit, format } => stores.list(limit, format).await,
            Self::Show { user, format } => {
                let account = stores.find(&user.user).await?;
                audit("users.shown", account.user_id);
                write_output(&if format.json { as_json(&account) } else { as_page(&account) })
            }
            Self::Export { user } => stores.export(&user.user).await,
            Self::Delete { user, dry_run, format } => {
                stores.delete(&user.user, dry_run, format).await
            }
            Self::Resend { user, format } => stores.resend(&user.user, format).await,
            Self::Unblock { user, format } => stores.unblock(&user.user, format).await,
        }
    }
}

/// The line in the log.
fn audit(action: &'static str, user_id: UserId) {
    tracing::info!(event = "operator.command", action, %user_id, "an operator has looked after an account");
}

/// What was done to an account, for people or for programs.
fn report(account: &Account, what: &str, format: Format) -> Result<(), StartError> {
    tell(&format!("{what}: {}", account.user_id));
    write_output(&if format.json { as_json(account) } else { as_line(account) })
}

impl UserStores {
    async fn find(&self, user: &Selector) -> Result<Account, StartError> {
        let found = match user {
            Selector::Id(id) => self.accounts.find(*id).await,
            Selector::Address(address) => self.accounts.find_by_email(address).await,
        };
        let account = found.map_err(StartError::failed)?;
        account.ok_or_else(|| StartError::failed(UserCommandError::NotFound(user.clone())))
    }

    async fn list(&self, limit: Option<u64>, format: Format) -> Result<(), StartError> {
        let (mut left, mut after) = (limit.unwrap_or(u64::MAX), None);
        let mut count = 0_u64;
        while left > 0 {
            let size = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_SIZE);
            let page = self.accounts.page(after, size).await.map_err(StartError::failed)?;
            let printed = print_page(&page, format)?;
            count += page.len() as u64;
            left -= page.len() as u64;
            after = page.last().map(|account| account.user_id);
            if printed.is_break() || page.len() < size as usize {
                break;
            }
        }
        tracing::info!(
            event = "operator.command",
            action = "users.listed",
            count,
            "an operator has listed accounts"
        );
        tell(&format!("accounts listed: {count}"));
        Ok(())
    }

    async fn export(&self, user: &Selector) -> Result<(), StartError> {
        let account = self.find(user).await?;
        let record = self.accounts.record(account.user_id).await.map_err(StartError::failed)?;
        let stored = self.users.find(account.user_id).await.map_err(StartError::failed)?;
        let (Some(record), Some(stored)) = (record, stored) else {
            return Err(StartError::failed(UserCommandError::NotFound(user.clone())));
        };
        let suppression = self.suppressions.find(&account.email).await;
        let suppression = suppression.map_err(StartError::failed)?;
        audit("users.exported", account.user_id);
        write_output(&as_export(&record, stored.languages(), suppression.as_ref()))
    }

    async fn delete(
        &self,
        user: &Selector,
        dry_run: bool,
        format: Format,
    ) -> Result<(), StartError> {
        let account = self.find(user).await?;
        if dry_run {
            return report(&account, "an account that would be deleted", format);
        }
        let event = self.event(UserEvent::UserDeleted { user_id: account.user_id });
        let deleted = self.accounts.delete(account.user_id, &event).await;
        if !deleted.map_err(StartError::failed)? {
            return Err(StartError::failed(UserCommandError::NotFound(user.clone())));
        }
        audit("users.deleted", account.user_id);
        report(&account, "deleted", format)
    }

    async fn resend(&self, user: &Selector, format: Format) -> Result<(), StartError> {
        let account = self.find(user).await?;
        let found = self.users.find(account.user_id).await.map_err(StartError::failed)?;
        let mut pending =
            found.ok_or_else(|| StartError::failed(UserCommandError::NotFound(user.clone())))?;
        let seen = pending.issue();
        pending.request_code().map_err(|_| StartError::failed(UserCommandError::Active))?;
        let events: Vec<Event> =
            pending.take_events().into_iter().map(|kind| self.event(kind)).collect();
        match self.users.save(&pending, seen, &events).await {
            Ok(()) => {}
            Err(SaveError::Stale) => return Err(StartError::failed(UserCommandError::Changed)),
            Err(SaveError::Repository(error)) => return Err(StartError::failed(error)),
        }
        audit("users.resent", account.user_id);
        report(&account, "another code is on its way", format)
    }

    async fn unblock(&self, user: &Selector, format: Format) -> Result<(), StartError> {
        let account = self.find(user).await?;
        let renewed = self.accounts.renew_guesses(account.user_id).await;
        if !renewed.map_err(StartError::failed)? {
            return Err(StartError::failed(UserCommandError::NotFound(user.clone())));
        }
        audit("users.unblocked", account.user_id);
        report(&account, "codes can be guessed anew", format)
    }

    /// An event of a trace of its own.
    fn event(&self, kind: UserEvent) -> Event {
        let id = self.ids.next_id();
        Event { id: EventId::from_uuid(id), trace: TraceParent::start(id), kind }
    }
}

/// Breaks off when nobody reads any more.
fn print_page(page: &[Account], format: Format) -> Result<ControlFlow<()>, StartError> {
    let line = if format.json { as_json } else { as_line };
    let text: String = page.iter().map(line).collect();
    Ok(if print(&text)? { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(subcommand)]
        command: UserCommand,
    }

    fn parse(line: &str) -> Result<UserCommand, ErrorKind> {
        let words = std::iter::once("users").chain(line.split(' '));
        Arguments::try_parse_from(words).map(|read| read.command).map_err(|error| error.kind())
    }

    #[test]
    fn every_command_but_a_list_names_an_account() {
        for command in ["show", "export", "delete", "resend", "unblock"] {
            assert_eq!(parse(command).unwrap_err(), ErrorKind::MissingRequiredArgument);
            for user in ["01890a5d-ac96-774b-bcce-b302099a8057", "Ada+1@example.com"] {
                parse(&format!("{command} {user}")).unwrap();
            }
            for user in ["7", "ada", "a@b", "@"] {
                let refused = parse(&format!("{command} {user}")).unwrap_err();
                assert_eq!(refused, ErrorKind::ValueValidation, "{user}");
            }
        }
        parse("list").unwrap();
        assert_eq!(parse("list --limit 0").unwrap_err(), ErrorKind::ValueValidation);
        assert_eq!(parse("list --all").unwrap_err(), ErrorKind::UnknownArgument);
        assert_eq!(parse("show a@example.com --dry-run").unwrap_err(), ErrorKind::UnknownArgument);
    }
}
