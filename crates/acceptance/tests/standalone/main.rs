//! The standalone binary as a process: how it starts, what it refuses, how it ends and what it costs.
//!
//! Needs no server, only the binary in `TEST_BIN_DIR`. Apart from the journeys, because the measurements
//! want the machine for themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod harness;

mod cost;
mod refusals;
mod shutdown;
mod starts;
