//! The e-mail worker: takes events from RabbitMQ and mails the codes.

mod wiring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use process::dead_letters::DeadLetterCommand;
use settings::Sources;

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
    /// Look after the events in the dead-letter queue: what could not be mailed.
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetterCommand,
    },
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
            let is_ready = process::operator::is_ready(address).unwrap_or(false);
            Ok(ExitCode::from(u8::from(!is_ready)))
        }
        Command::DeadLetters { command } => block_on(wiring::dead_letters(settings, command)),
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
