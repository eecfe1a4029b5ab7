//! What is done to a private server, or to a clock, has its effect, and an end.
//!
//! One server of each kind for all, which is used for one thing after another: a start takes seconds.
//! One executable, so that the kinds are tested side by side.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod postgres;
mod rabbitmq;
mod redis;
mod redis_topologies;
mod wall_clock;
