//! A short run of both deployments, with a seed that stays and one that nobody has tried yet:
//! guards every change. `cargo xtask faults` makes longer ones.

use std::time::Duration;

use acceptance::{Deployment, runtime};
use faults::run::run;
use faults::schedule::{Schedule, Seed};
use test_servers::Interrupt;

/// How long something is broken, by plan: what a busy machine takes to mend it comes on top.
const LENGTH: Duration = Duration::from_secs(30);

/// The seed that stays.
const FIXED: Seed = Seed(9);

fn loses_nothing(deployment: Deployment) {
    for seed in [FIXED, Seed::fresh()] {
        let schedule = Schedule::new(seed, LENGTH, deployment);
        println!("{deployment:?} with seed {seed}");
        let ledger = runtime().block_on(run(deployment, &schedule, &Interrupt::never()));
        let ledger = ledger.unwrap_or_else(|error| panic!("{error}"));
        assert!(ledger.holds(), "{deployment:?} with seed {seed} for {LENGTH:?}:\n{ledger}");
    }
}

#[test]
fn the_services_lose_nothing() {
    loses_nothing(Deployment::Distributed);
}

#[test]
fn the_standalone_system_loses_nothing() {
    loses_nothing(Deployment::Standalone);
}
