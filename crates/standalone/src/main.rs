//! The whole system in one process, on a machine with nothing but Rust: the same use cases as the
//! services, on SQLite, in-process stores and an inbox.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

mod backup;
mod data_directory;
mod greeting;
mod wiring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use process::dead_letters::DeadLetterCommand;
use process::doctor::{DoctorCommand, Examination};
use process::outbox::OutboxCommand;
use process::suppressions::SuppressionCommand;
use process::users::UserCommand;
use process::{Build, StartError};
use settings::{Settings, SettingsError, Sources};

const BUILD: Build = build_info::build!();

/// Two threads carry this much; more would cost memory in a process that is to stay small.
const THREADS: usize = 2;

/// Registration with a code by mail: API, worker, database and a development inbox in one process.
///
/// Every setting of the services can be given too, in a file or in the environment; the `defaults`
/// command prints them all.
#[derive(Parser)]
#[command(version, long_version = BUILD.long_version)]
struct Arguments {
    /// A file with settings, over the built-in defaults and under the environment.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Where the database and the code key lie [default: data].
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// The port of the API and its documentation, on the interface of http.listen [default: 8000].
    #[arg(long)]
    port: Option<u16>,
    /// The port of the inbox's page [default: 8025].
    #[arg(long)]
    inbox_port: Option<u16>,
    /// The port of the inbox's SMTP server [default: 1025].
    #[arg(long)]
    smtp_port: Option<u16>,
    /// Run without the inbox; smtp.host has to be set then.
    #[arg(long)]
    no_inbox: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Doctor(DoctorCommand),
    /// Look after the events that could not be handled: what could not be mailed.
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetterCommand,
    },
    /// Look into the outbox: the events that wait to be handled.
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
    /// Copy the database to a file, beside a running system too.
    Backup {
        /// The file to make. One that exists is not overwritten.
        file: PathBuf,
    },
    /// Print every setting with its default and its meaning.
    Defaults,
}

fn main() -> ExitCode {
    #[cfg(feature = "manual")]
    if let Some(code) = process::manual::write_if_asked::<Arguments>() {
        return code;
    }
    process::run("standalone", Some(THREADS), execute(Arguments::parse()))
}

async fn execute(arguments: Arguments) -> Result<ExitCode, StartError> {
    match &arguments.command {
        None => wiring::serve(settings(&arguments)?, &BUILD).await?,
        Some(Command::Doctor(command)) => {
            let examine = |settings: &Settings, examination: &mut Examination| {
                let mut settings = settings.clone();
                set_ports(&arguments, &mut settings);
                wiring::doctor::examine(settings, examination);
            };
            return command.clone().run("standalone", sources(&arguments), examine).await;
        }
        Some(Command::DeadLetters { command }) => {
            wiring::run_dead_letters(&settings(&arguments)?, command.clone()).await?;
        }
        Some(Command::Outbox { command }) => {
            wiring::run_outbox(&settings(&arguments)?, command.clone()).await?;
        }
        Some(Command::Users { command }) => {
            wiring::run_users(&settings(&arguments)?, command.clone()).await?;
        }
        Some(Command::Suppressions { command }) => {
            wiring::run_suppressions(&settings(&arguments)?, command.clone()).await?;
        }
        Some(Command::Backup { file }) => wiring::run_backup(&settings(&arguments)?, file).await?,
        Some(Command::Defaults) => process::write_output(settings::DEFAULTS)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings of all sources.
fn settings(arguments: &Arguments) -> Result<Settings, SettingsError> {
    let mut settings = sources(arguments).load()?;
    set_ports(arguments, &mut settings);
    Ok(settings)
}

/// The flags win over the environment.
fn sources(arguments: &Arguments) -> Sources {
    let mut sources = Sources::of_process(arguments.config.clone());
    if let Some(data_dir) = &arguments.data_dir {
        sources = sources.with("standalone.data_dir", &data_dir.display());
    }
    if arguments.no_inbox {
        sources = sources.with("standalone.inbox", &false);
    }
    sources
}

/// The ports of the flags, on the interfaces of the settings.
fn set_ports(arguments: &Arguments, settings: &mut Settings) {
    let ports = [
        (arguments.port, &mut settings.http.listen),
        (arguments.inbox_port, &mut settings.standalone.inbox_listen),
        (arguments.smtp_port, &mut settings.standalone.inbox_smtp_listen),
    ];
    for (port, address) in ports {
        if let Some(port) = port {
            address.set_port(port);
        }
    }
}
