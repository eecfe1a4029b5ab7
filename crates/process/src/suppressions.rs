//! The commands with which an operator keeps mails from addresses that bounce. Each is one line in
//! the log.

use clap::{Args, Subcommand};
use domain::ports::{Suppression, Suppressions};
use domain::{EmailAddress, EmailAddressError};
use serde_json::json;

use crate::error::StartError;
use crate::output::{print, tell};
use crate::printing::{printable, rfc3339};

/// How many suppressions are in memory at once.
const PAGE_SIZE: u32 = 500;

/// What to do with the list.
#[derive(Debug, Clone, Subcommand)]
#[expect(missing_docs, reason = "an argument is documented where it is defined")]
pub enum SuppressionCommand {
    /// Send no mail to an address any more. Its requests are answered as before.
    Add {
        #[command(flatten)]
        address: Address,
    },
    /// Let an address be mailed again.
    Remove {
        #[command(flatten)]
        address: Address,
        /// Say whether it is suppressed, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// List the addresses, one per line, with the time since which they are not mailed.
    List {
        /// Print a JSON object per address, on a line of its own.
        #[arg(long)]
        json: bool,
    },
}

/// The address that a command is about.
#[derive(Debug, Clone, Args)]
pub struct Address {
    /// The e-mail address.
    #[arg(value_parser = parse)]
    address: EmailAddress,
}

/// There is nothing to remove.
#[derive(Debug, thiserror::Error)]
#[error("mails to {0} are not suppressed; `suppressions list` shows which are")]
struct NotSuppressed(String);

fn parse(text: &str) -> Result<EmailAddress, EmailAddressError> {
    EmailAddress::parse(text)
}

impl SuppressionCommand {
    /// Does it. The list goes to standard output, what was done to standard error.
    pub async fn run(self, suppressions: &impl Suppressions) -> Result<(), StartError> {
        match self {
            Self::Add { address: Address { address } } => {
                let is_new = suppressions.add(&address).await.map_err(StartError::failed)?;
                audit("suppressions.added", &address);
                tell(if is_new { "mails are suppressed" } else { "mails were suppressed already" });
                Ok(())
            }
            Self::Remove { address: Address { address }, dry_run } => {
                remove(suppressions, &address, dry_run).await
            }
            Self::List { json } => list(suppressions, json).await,
        }
    }
}

/// The line in the log.
fn audit(action: &'static str, address: &EmailAddress) {
    let address = address.masked();
    tracing::info!(
        event = "operator.command",
        action,
        address,
        "an operator has changed the suppressions"
    );
}

async fn remove(
    suppressions: &impl Suppressions,
    address: &EmailAddress,
    dry_run: bool,
) -> Result<(), StartError> {
    let is_there = if dry_run {
        suppressions.find(address).await.map(|found| found.is_some())
    } else {
        suppressions.remove(address).await
    };
    if !is_there.map_err(StartError::failed)? {
        return Err(StartError::failed(NotSuppressed(address.as_str().to_owned())));
    }
    if dry_run {
        tell("mails would no longer be suppressed");
    } else {
        audit("suppressions.removed", address);
        tell("mails are no longer suppressed");
    }
    Ok(())
}

async fn list(suppressions: &impl Suppressions, json: bool) -> Result<(), StartError> {
    let (mut after, mut count) = (None, 0_u64);
    loop {
        let page =
            suppressions.page(after.as_ref(), PAGE_SIZE).await.map_err(StartError::failed)?;
        let line = if json { as_json } else { as_line };
        let is_read = print(&page.iter().map(line).collect::<String>())?;
        count += page.len() as u64;
        let is_last = page.len() < PAGE_SIZE as usize;
        after = page.into_iter().next_back().map(|suppression| suppression.email);
        if is_last || !is_read {
            break;
        }
    }
    tracing::info!(
        event = "operator.command",
        action = "suppressions.listed",
        count,
        "an operator has listed the suppressions"
    );
    tell(&format!("suppressions listed: {count}"));
    Ok(())
}

fn as_line(suppression: &Suppression) -> String {
    let since = rfc3339(suppression.since).unwrap_or_else(|| "-".to_owned());
    format!("{}\t{since}\n", printable(suppression.email.as_str()))
}

fn as_json(suppression: &Suppression) -> String {
    let since = rfc3339(suppression.since);
    format!("{}\n", json!({ "email": suppression.email.as_str(), "since": since }))
}
