//! The registration API: REST in front, PostgreSQL, Redis and RabbitMQ behind.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

mod wiring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use process::dead_letters::DeadLetterCommand;
use process::doctor::DoctorCommand;
use process::outbox::OutboxCommand;
use process::suppressions::SuppressionCommand;
use process::users::UserCommand;
use process::{Build, StartError, operator};
use registration_api::http::openapi::{self, DocumentOptions};
use registration_api::http::product_document;
use registration_api::settings as api_settings;
use settings::Sources;

const BUILD: Build = build_info::build!();

/// The registration API.
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
    /// Serve the API and relay the outbox (what happens without a command).
    Serve,
    /// Bring the database schema up to date.
    Migrate,
    /// Ask the API that runs with the same settings whether it is ready; the exit status is the
    /// answer.
    Health,
    Doctor(DoctorCommand),
    /// Look after the events in the outbox that can never be published.
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetterCommand,
    },
    /// Look into the outbox: the events that wait to be published.
    Outbox {
        #[command(subcommand)]
        command: OutboxCommand,
    },
    /// Look after accounts.
    Users {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Keep mails from addresses to which they bounce.
    Suppressions {
        #[command(subcommand)]
        command: SuppressionCommand,
    },
    /// Print the OpenAPI document.
    Openapi {
        /// That of the product's listener.
        #[arg(long)]
        product: bool,
    },
    /// Print every setting with its default and its meaning.
    Defaults,
}

fn main() -> ExitCode {
    #[cfg(feature = "manual")]
    if let Some(code) = process::manual::write_if_asked::<Arguments>() {
        return code;
    }
    process::run("registration-api", None, execute(Arguments::parse()))
}

async fn execute(arguments: Arguments) -> Result<ExitCode, StartError> {
    let sources = Sources::of_process(arguments.config);
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => wiring::serve(&sources.load()?, &BUILD).await?,
        Command::Migrate => wiring::migrate(&sources.load()?).await?,
        Command::Health => {
            let is_ready = operator::is_ready(sources.load()?.http.listen).unwrap_or(false);
            return Ok(ExitCode::from(u8::from(!is_ready)));
        }
        Command::Doctor(command) => {
            return command.run("registration-api", sources, wiring::doctor::examine).await;
        }
        Command::DeadLetters { command } => {
            wiring::run_dead_letters(&sources.load()?, command).await?;
        }
        Command::Outbox { command } => wiring::run_outbox(&sources.load()?, command).await?,
        Command::Users { command } => wiring::run_users(&sources.load()?, command).await?,
        Command::Suppressions { command } => {
            wiring::run_suppressions(&sources.load()?, command).await?;
        }
        Command::Openapi { product: true } => {
            let public_url = api_settings::public_url(&sources.load()?.http.public_url)?;
            process::write_output(&product_document(&public_url))?;
        }
        Command::Openapi { product: false } => {
            let settings = sources.load()?;
            process::write_output(&openapi::document(&DocumentOptions {
                password_length: settings.password.length(),
                code_length: settings.code.length,
                previous_code_lengths: &settings.code.previous_lengths,
                has_challenge: settings.proof_of_work.enabled,
                public_url: &api_settings::public_url(&settings.http.public_url)?,
            }))?;
        }
        Command::Defaults => process::write_output(settings::DEFAULTS)?,
    }
    Ok(ExitCode::SUCCESS)
}
