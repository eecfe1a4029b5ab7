//! What is measured. Each scenario ends with nothing left behind: every accepted registration has its
//! mail, and the outbox is empty.

mod cheap_requests;
mod context;
mod figure;
mod half_load;
mod hash_free;
mod hash_rate;
mod measurement;
mod outbox_growth;
mod overload;
mod saturation;
mod start;
mod table_sizes;
mod warm;
mod workers;

pub use context::Context;
pub use figure::{Cost, Delays, Figure, Outcome, Target};

use crate::error::BenchError;

/// One scenario.
pub struct Scenario {
    /// How it is chosen on the command line.
    pub name: &'static str,
    /// What it shows.
    pub summary: &'static str,
    /// Whether it runs only where it is named.
    pub is_long: bool,
    /// Runs it once.
    pub run: fn(&mut Context<'_>) -> Result<Outcome, BenchError>,
}

/// All, in the order in which they run: later ones compare themselves with `saturation`.
pub const SCENARIOS: [Scenario; 10] = [
    scenario("start", "time until ready, memory while idle", start::run),
    scenario(
        "saturation",
        "16 connections, hash as deployed, against the pure hash",
        saturation::run,
    ),
    scenario("half-load", "from 201 to the mail at half the rate of saturation", half_load::run),
    scenario("cheap-requests", "health, 401, 422, 429 while saturated", cheap_requests::run),
    scenario("overload", "ten times the rate of saturation, 1,000 connections", overload::run),
    scenario("hash-free", "64 connections, hash made free: what is beyond it", hash_free::run_64),
    scenario(
        "hash-free-16",
        "16 connections, hash made free: from 201 to the mail",
        hash_free::run_16,
    ),
    scenario("workers", "1, 2 and 4 workers, a mail server that takes 50 ms", workers::run),
    long(
        "table-sizes",
        "registration and activation among 10 thousand to 5 million users",
        table_sizes::run,
    ),
    long(
        "outbox-growth",
        "a million rows through the outbox; a transaction held open",
        outbox_growth::run,
    ),
];

const fn scenario(
    name: &'static str,
    summary: &'static str,
    run: fn(&mut Context<'_>) -> Result<Outcome, BenchError>,
) -> Scenario {
    Scenario { name, summary, is_long: false, run }
}

const fn long(
    name: &'static str,
    summary: &'static str,
    run: fn(&mut Context<'_>) -> Result<Outcome, BenchError>,
) -> Scenario {
    Scenario { is_long: true, ..scenario(name, summary, run) }
}
