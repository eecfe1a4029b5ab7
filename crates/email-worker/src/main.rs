//! The e-mail worker: takes events from RabbitMQ and mails the codes.

mod wiring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::settings::Sources;

use wiring::StartError;

/// The e-mail worker.
#[derive(Parser)]
#[command(version)]
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
    /// Ask the worker that runs with the same settings whether it is ready; the exit status is the answer.
    Health,
    /// Look after the events that could not be handled.
    DeadLetters {
        #[command(subcommand)]
        action: DeadLetterAction,
    },
}

#[derive(Subcommand)]
enum DeadLetterAction {
    /// Show the oldest of them with the reason.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Send all of them on their way again.
    Replay,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("email-worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, StartError> {
    let settings = Sources::of_process(arguments.config).load()?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => block_on(wiring::serve(settings)),
        Command::Health => {
            let address = settings.metrics.listen()?.ok_or(StartError::NoHealthListener)?;
            let is_ready = service::operator::is_ready(address).unwrap_or(false);
            Ok(ExitCode::from(u8::from(!is_ready)))
        }
        Command::DeadLetters { action: DeadLetterAction::List { limit } } => {
            block_on(wiring::list_dead_letters(settings, limit))
        }
        Command::DeadLetters { action: DeadLetterAction::Replay } => {
            block_on(wiring::replay_dead_letters(settings))
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), StartError>>) -> Result<ExitCode, StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?
        .block_on(work)?;
    Ok(ExitCode::SUCCESS)
}
