//! `cargo xtask compose`: proves compose.yaml on a container engine, from the first start to a
//! backlog.
//!
//! It needs root and Debian's packages, but no registry of images and no engine: it brings both, keeps
//! them under the target folder, and leaves nothing running. docs/operations.md says what differs
//! from the official images.

mod binaries;
mod check;
mod checkout;
mod client;
mod command;
mod docker;
mod engine;
mod error;
mod images;
mod load;
mod options;
mod project;
mod scenarios;
mod tools;
mod trial;

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

pub(crate) use check::check;
use checkout::Checkout;
use client::Client;
use docker::{ASK_LIMIT, Docker};
use engine::Engine;
pub(crate) use error::ComposeError;
pub(crate) use options::ComposeOptions;
use project::Project;
use tools::Tools;
use trial::Trial;

use crate::Failure;
use crate::process::Interrupt;

pub(crate) fn run(options: &ComposeOptions, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    if options.uses_official_images {
        on_this_machines_engine(options, interrupt)?;
    } else {
        on_own_engine(options, interrupt)?;
    }
    eprintln!("xtask: compose.yaml works ({:.0?})", started.elapsed());
    Ok(ExitCode::SUCCESS)
}

fn on_own_engine(options: &ComposeOptions, interrupt: &Interrupt) -> Result<(), ComposeError> {
    if !rustix::process::geteuid().is_root() {
        return Err(ComposeError::NotRoot);
    }
    let cache = tools::cache()?;
    let binaries = binaries::lay_out(&cache, interrupt)?;
    let tools = Tools::ensure(interrupt)?;
    let base = images::make_base(&tools, &cache, interrupt)?;
    let engine = Engine::start(&tools, &cache, interrupt)?;
    images::make(&engine.docker, base, &binaries, interrupt)?;
    let checkout = Checkout::make(&cache, &binaries)?;
    try_out(&engine.docker, &checkout, options, interrupt)
}

fn on_this_machines_engine(
    options: &ComposeOptions,
    interrupt: &Interrupt,
) -> Result<(), ComposeError> {
    let docker = Docker::of_this_machine();
    docker
        .read(&["compose", "version"], ASK_LIMIT, interrupt)
        .and_then(|_| docker.read(&["version"], ASK_LIMIT, interrupt))
        .map_err(|error| ComposeError::NoDocker(Box::new(error)))?;
    let cache = tools::cache()?;
    fs::create_dir_all(&cache).map_err(ComposeError::file(&cache))?;
    let binaries = binaries::lay_out(&cache, interrupt)?;
    let checkout = Checkout::make(&cache, &binaries)?;
    try_out(&docker, &checkout, options, interrupt)
}

fn try_out(
    docker: &Docker,
    checkout: &Checkout,
    options: &ComposeOptions,
    interrupt: &Interrupt,
) -> Result<(), ComposeError> {
    let trial = Trial {
        project: Project { docker, checkout, interrupt },
        client: Client::new(interrupt),
        interrupt,
        backlog: options.backlog,
    };
    let outcome = scenarios::run(&trial);
    if outcome.is_err() && interrupt.check().is_ok() {
        // The error that was first is the one to report.
        let _ = trial.project.forget();
    }
    outcome
}
