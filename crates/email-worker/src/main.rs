//! The e-mail worker: takes events from RabbitMQ and mails the codes.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

mod wiring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use process::dead_letters::DeadLetterCommand;
use process::doctor::DoctorCommand;
use process::{Build, StartError, operator};
use settings::{SettingsError, Sources};

const BUILD: Build = build_info::build!();

/// The e-mail worker.
#[derive(Parser)]
#[command(version, long_version = BUILD.long_version)]
struct Arguments {
    /// A file with settings, over the built-in defaults and under the environment.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Mail codes until asked to stop (what happens without a command).
    Serve,
    /// Ask the worker that runs with the same settings whether it is ready; the exit status is the
    /// answer.
    Health,
    Doctor(DoctorCommand),
    /// Look after the events in the dead-letter queue: what could not be mailed.
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetterCommand,
    },
}

fn main() -> ExitCode {
    #[cfg(feature = "manual")]
    if let Some(code) = process::manual::write_if_asked::<Arguments>() {
        return code;
    }
    process::run("email-worker", None, execute(Arguments::parse()))
}

async fn execute(arguments: Arguments) -> Result<ExitCode, StartError> {
    let sources = Sources::of_process(arguments.config);
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => wiring::serve(&sources.load()?, &BUILD).await?,
        Command::Health => {
            let address = sources.load()?.metrics.listen.ok_or_else(no_listener)?;
            let is_ready = operator::is_ready(address).unwrap_or(false);
            return Ok(ExitCode::from(u8::from(!is_ready)));
        }
        Command::Doctor(command) => {
            return command.run("email-worker", sources, wiring::doctor::examine).await;
        }
        Command::DeadLetters { command } => {
            wiring::run_dead_letters(&sources.load()?, command).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn no_listener() -> SettingsError {
    SettingsError::invalid("metrics.listen", "is off, so there is nobody to ask")
}
