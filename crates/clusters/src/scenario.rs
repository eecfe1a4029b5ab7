//! What is played: each scenario has a name, and a file in `scenarios`.

use std::fmt;

use test_servers::ServerError;

use crate::scenarios::pgbouncer;
use crate::stage::Stage;
use crate::verdict::Verdict;

/// Servers, services under load, and what becomes of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    PgBouncer,
}

impl Scenario {
    /// All of them, in the order in which they are played.
    pub(crate) const ALL: [Self; 1] = [Self::PgBouncer];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PgBouncer => "pgbouncer",
        }
    }

    /// What happens, in a sentence.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::PgBouncer => {
                "all services reach PostgreSQL through PgBouncer in transaction mode"
            }
        }
    }

    /// Plays it. An error is one of the servers; what the services do is in the verdict.
    pub(crate) async fn play(self, stage: &Stage) -> Result<Verdict, ServerError> {
        match self {
            Self::PgBouncer => pgbouncer::play(stage).await,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
