//! The commands with which an operator looks after events that were set aside.

mod filter;
mod layout;
mod report;

use clap::{ArgGroup, Args, Subcommand};
use domain::EventId;
use domain::ports::{DeadLetterAction, DeadLetterSelection, DeadLetters};
use uuid::Uuid;

use self::filter::Filter;
use self::layout::Layout;
use self::report::Report;
use crate::error::StartError;
use crate::output::tell;

/// What to do with them.
#[derive(Debug, Clone, Subcommand)]
#[expect(missing_docs, reason = "an argument is documented where it is defined")]
pub enum DeadLetterCommand {
    /// List them, one per line: identifier, event type, when and why it was set aside.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Stop after this many.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        #[command(flatten)]
        format: Format,
    },
    /// Show all that is known about one of them.
    Show {
        /// The identifier of the event.
        id: Uuid,
        #[command(flatten)]
        format: Format,
    },
    /// Deliver them again: all of them, unless a filter is given.
    Replay {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        change: Change,
    },
    /// Delete them for good. Needs a filter or --all.
    #[command(group = ArgGroup::new("selection")
        .args(["reason", "since", "ids", "all"]).required(true).multiple(true))]
    Discard {
        #[command(flatten)]
        filter: Filter,
        /// Delete all of them.
        #[arg(long, conflicts_with_all = ["reason", "since", "ids"])]
        all: bool,
        #[command(flatten)]
        change: Change,
    },
}

/// What every command that changes something takes.
#[derive(Debug, Clone, Args)]
pub struct Change {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    format: Format,
}

/// How the events are printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct Format {
    /// Print each event as a JSON object on a line of its own.
    #[arg(long)]
    json: bool,
}

impl Format {
    fn or(self, layout: Layout) -> Layout {
        if self.json { Layout::Json } else { layout }
    }
}

impl DeadLetterCommand {
    /// Does it. The events go to standard output, for other programs, and how many there were to
    /// standard error.
    pub async fn run(self, letters: &impl DeadLetters) -> Result<(), StartError> {
        let (action, summary) = self.action();
        let (layout, limit) = self.layout();
        let selection = self.selection();
        let mut report = Report::new(layout, limit, &selection.ids);
        let is_listing = action == DeadLetterAction::List;
        let applied =
            letters.apply(action, &selection, &mut |letter| report.add(&letter, is_listing)).await;
        // Also after a failure: some may have been done by then.
        tell(&format!("dead letters {summary}: {}", report.count()));
        applied.map_err(StartError::failed)?;
        report.finish()
    }

    /// What happens to the selected ones, and how to say that it has happened.
    fn action(&self) -> (DeadLetterAction, &'static str) {
        match self {
            Self::List { .. } | Self::Show { .. } => (DeadLetterAction::List, "shown"),
            Self::Replay { change: Change { dry_run: true, .. }, .. } => {
                (DeadLetterAction::List, "that would be replayed")
            }
            Self::Replay { .. } => (DeadLetterAction::Replay, "replayed"),
            Self::Discard { change: Change { dry_run: true, .. }, .. } => {
                (DeadLetterAction::List, "that would be discarded")
            }
            Self::Discard { .. } => (DeadLetterAction::Discard, "discarded"),
        }
    }

    /// How they are printed, and how many at most.
    fn layout(&self) -> (Layout, Option<u64>) {
        match self {
            Self::List { limit, format, .. } => (format.or(Layout::Line), *limit),
            Self::Show { format, .. } => (format.or(Layout::Page), None),
            Self::Replay { change, .. } | Self::Discard { change, .. } => {
                (change.format.or(Layout::Line), None)
            }
        }
    }

    fn selection(self) -> DeadLetterSelection {
        match self {
            Self::Show { id, .. } => {
                DeadLetterSelection { ids: vec![EventId::from_uuid(id)], ..Default::default() }
            }
            Self::List { filter, .. }
            | Self::Replay { filter, .. }
            | Self::Discard { filter, .. } => filter.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(subcommand)]
        command: DeadLetterCommand,
    }

    fn parse(line: &str) -> Result<DeadLetterCommand, ErrorKind> {
        let words = std::iter::once("dead-letters").chain(line.split(' '));
        Arguments::try_parse_from(words).map(|read| read.command).map_err(|error| error.kind())
    }

    #[test]
    fn only_discarding_everything_has_to_be_said_in_full() {
        assert_eq!(parse("discard").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse("discard --dry-run").unwrap_err(), ErrorKind::MissingRequiredArgument);
        for line in ["discard --all", "discard --reason 550", "discard --since 2h", "replay"] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_contradicts_itself_or_cannot_be_read_is_refused() {
        for line in ["discard --all --reason 550", "discard --all --since 1h"] {
            assert_eq!(parse(line).unwrap_err(), ErrorKind::ArgumentConflict, "{line}");
        }
        for line in ["show 7", "list --since yesterday", "replay --id x", "list --limit 0"] {
            assert_eq!(parse(line).unwrap_err(), ErrorKind::ValueValidation, "{line}");
        }
        assert_eq!(parse("replay --reason ").unwrap_err(), ErrorKind::InvalidValue);
    }

    #[test]
    fn a_dry_run_changes_nothing() {
        for (line, action) in [
            ("replay --dry-run", DeadLetterAction::List),
            ("discard --all --dry-run", DeadLetterAction::List),
            ("replay", DeadLetterAction::Replay),
            ("discard --all", DeadLetterAction::Discard),
        ] {
            assert_eq!(parse(line).unwrap().action().0, action, "{line}");
        }
    }
}
