//! The registration API: REST in front, PostgreSQL, Redis and RabbitMQ behind.

mod wiring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use process::dead_letters::DeadLetterCommand;
use settings::{Settings, Sources};

use wiring::StartError;

/// The registration API.
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
    /// Serve the API and relay the outbox (what happens without a command).
    Serve,
    /// Bring the database schema up to date.
    Migrate,
    /// Ask the API that runs with the same settings whether it is ready; the exit status is the answer.
    Health,
    /// Look after the events in the outbox that can never be published.
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetterCommand,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Print every setting with its default and its meaning.
    Defaults,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("registration-api: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, StartError> {
    let settings = || Sources::of_process(arguments.config).load();
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => block_on(wiring::serve(settings()?)),
        Command::Migrate => block_on(wiring::migrate(settings()?)),
        Command::Health => {
            let is_ready = process::operator::is_ready(settings()?.http.listen).unwrap_or(false);
            Ok(ExitCode::from(u8::from(!is_ready)))
        }
        Command::DeadLetters { command } => block_on(wiring::dead_letters(settings()?, command)),
        Command::Openapi => {
            print!("{}", openapi(&settings()?)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Defaults => {
            print!("{}", settings::DEFAULTS);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn openapi(settings: &Settings) -> Result<String, StartError> {
    Ok(registration_api::http::openapi::document(settings.password.length()?, settings.code.length()?))
}

fn block_on(work: impl Future<Output = Result<(), StartError>>) -> Result<ExitCode, StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?
        .block_on(work)?;
    Ok(ExitCode::SUCCESS)
}
