//! The commands with which an operator looks after events that were set aside.

use clap::Subcommand;
use domain::ports::{DeadLetterError, DeadLetters};

/// What to do with them.
#[derive(Debug, Clone, Subcommand)]
pub enum DeadLetterCommand {
    /// Show the oldest of them, one a line: the reason and the event.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Send all of them on their way again.
    Replay,
}

impl DeadLetterCommand {
    /// Does it. The list goes to standard output, for other programs; what is for people to standard error.
    pub async fn run(self, letters: &impl DeadLetters) -> Result<(), DeadLetterError> {
        match self {
            Self::List { limit } => {
                let letters = letters.list(limit).await?;
                for letter in &letters {
                    println!("{}\t{}", letter.reason, letter.event);
                }
                eprintln!("dead letters shown: {}", letters.len());
            }
            Self::Replay => {
                let replayed = letters.replay().await?;
                eprintln!("dead letters on their way again: {replayed}");
            }
        }
        Ok(())
    }
}
