//! The primary of PostgreSQL is killed, with a standby that it had lost, and that one is promoted.
//! Then the place of the old primary is taken by a standby, which is avoided although the URL names
//! it first.

use std::time::Duration;

use faults::schedule::{Fault, Network, Part};
use faults::system::Held;
use test_servers::{Postgres, ServerError, Storage};
use test_support::Proxy;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::gaps::Gaps;
use crate::stage::Stage;
use crate::trial::{Plan, Trial};
use crate::verdict::Verdict;

const NAME: &str = "postgres-failover";

/// How many clients go through before, between and after.
const CLIENTS: usize = 20;

/// How long the standby gets nothing before the primary is killed: what is acknowledged meanwhile
/// would be lost.
const SILENCE: Duration = Duration::from_millis(700);

/// How long nothing may go on: the silence, the promotion, the relay's lease.
const LONGEST_GAPS: Gaps =
    Gaps { registrations: Duration::from_secs(10), mails: Duration::from_secs(15) };

/// A primary that acknowledges what its standby has on disk, and what is between the two.
struct Servers {
    primary: Held<Postgres>,
    standby: Held<Postgres>,
    between: Proxy,
}

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let servers = Servers::start(stage).await?;
    let mut addresses = stage.addresses(NAME).await?;
    addresses.postgres = servers.url().await;
    let mut trial = Trial::start(Plan::usual(addresses, LONGEST_GAPS)).await;
    trial.wait_for_clients(CLIENTS).await;

    let killed = trial.now();
    servers.between.stall();
    sleep(SILENCE).await;
    servers.primary.with(|primary| primary.server.kill()).await;
    servers.standby.with(|standby| standby.promote()).await?;
    let promoted = trial.now();
    trial.wait_for_clients(CLIENTS).await;
    trial.record(Fault::Killed(Part::Postgres), killed, "the standby was promoted");

    let disconnected = trial.now();
    let rejoined = servers.rejoin(stage).await?;
    trial.wait_for_clients(CLIENTS).await;
    let cut = Fault::Network(Part::Postgres, Network::Cut);
    trial.record(cut, disconnected, "the clients were disconnected");

    let mut verdict = trial.judge().await;
    let astray = rejoined.with(|standby| standby.connections()).await?;
    verdict.expect(astray == 0, format!("{astray} connections lead to the standby"));
    let took = promoted.saturating_sub(killed);
    verdict.note(format!("promoted {took:.1?} after the primary had lost its standby"));
    Ok(verdict)
}

impl Servers {
    async fn start(stage: &Stage) -> Result<Self, ServerError> {
        let [first, second] = [stage.folder("postgres-1")?, stage.folder("postgres-2")?];
        let interrupt = stage.interrupt().clone();
        let started = spawn_blocking(move || {
            let mut primary = Postgres::start(&first, Storage::Durable, &interrupt)?;
            primary.server.wait_until_ready(&interrupt)?;
            primary.sql(&[&format!("CREATE DATABASE \"{NAME}\"")])?;
            Ok::<_, ServerError>(primary)
        });
        let primary = started.await.expect("no panic with the primary")?;
        let between = Proxy::start(format!("127.0.0.1:{}", primary.server.port())).await;
        let url = format!("postgres://postgres@{}/postgres", between.address());
        let interrupt = stage.interrupt().clone();
        let started = spawn_blocking(move || {
            let mut standby = Postgres::start_standby(&second, &url, None, &interrupt)?;
            standby.server.wait_until_ready(&interrupt)?;
            primary.require_standby()?;
            Ok::<_, ServerError>((Held::new(primary), Held::new(standby)))
        });
        let (primary, standby) = started.await.expect("no panic with the standby")?;
        Ok(Self { primary, standby, between })
    }

    /// One URL that names both, the primary first.
    async fn url(&self) -> String {
        let [first, second] = [
            self.primary.with(|server| server.server.port()).await,
            self.standby.with(|server| server.server.port()).await,
        ];
        format!("postgres://postgres@127.0.0.1:{first},127.0.0.1:{second}/{NAME}")
    }

    /// Starts a standby of the new primary where the old one was, and breaks all connections, so
    /// that everybody has to choose again.
    async fn rejoin(&self, stage: &Stage) -> Result<Held<Postgres>, ServerError> {
        let port = self.primary.with(|server| server.server.port()).await;
        let (folder, interrupt) = (stage.folder("postgres-3")?, stage.interrupt().clone());
        let started = self.standby.with(move |primary| {
            let url = primary.server.url();
            let mut standby = Postgres::start_standby(&folder, url, Some(port), &interrupt)?;
            standby.server.wait_until_ready(&interrupt)?;
            primary.require_standby()?;
            primary.disconnect_clients()?;
            Ok::<_, ServerError>(Held::new(standby))
        });
        started.await
    }
}
