//! The commands with which an operator looks after events that were set aside.

use clap::Subcommand;
use domain::ports::DeadLetters;

use crate::error::StartError;
use crate::output::{tell, write_output};

/// What to do with them.
#[derive(Debug, Clone, Subcommand)]
pub enum DeadLetterCommand {
    /// Show the oldest of them, one per line: the reason and the event.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Send all of them on their way again.
    Replay,
}

impl DeadLetterCommand {
    /// Does it. The list goes to standard output, for other programs; what is for people to
    /// standard error.
    pub async fn run(self, letters: &impl DeadLetters) -> Result<(), StartError> {
        match self {
            Self::List { limit } => {
                let letters = letters.list(limit).await.map_err(StartError::failed)?;
                for letter in &letters {
                    write_output(&format!("{}\t{}\n", letter.reason, letter.event))?;
                }
                tell(&format!("dead letters shown: {}", letters.len()));
            }
            Self::Replay => {
                let replayed = letters.replay().await.map_err(StartError::failed)?;
                tell(&format!("dead letters on their way again: {replayed}"));
            }
        }
        Ok(())
    }
}
