//! Services under a steady load, and the judgement of what the clients and the mail server saw.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use acceptance::target_directory;
use faults::clock::Clock;
use faults::evidence::{At, Ended, Evidence, Observed};
use faults::ledger::Ledger;
use faults::load::{Load, Surroundings};
use faults::receiver::Receiver;
use faults::schedule::Fault;
use faults::sink::Sink;
use faults::system::settings::{Settings, common, terms, webhook};
use test_support::eventually;
use tokio::task::JoinHandle;

use crate::gaps::Gaps;
use crate::leftovers;
use crate::stage::Addresses;
use crate::system::System;
use crate::verdict::Verdict;

/// How many clients have to be through before anything happens.
const WARM: usize = 5;

/// How long clients may take after the last event: the longest delays of retries and leases.
const SETTLING: Duration = Duration::from_mins(1);

/// How long the queues may take to become empty then.
const EMPTYING: Duration = Duration::from_secs(30);

/// What is started, and what is asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) addresses: Addresses,
    pub(crate) apis: usize,
    pub(crate) workers: usize,
    /// Those beside the addresses.
    pub(crate) settings: Settings,
    pub(crate) clients_per_second: u32,
    /// The longest that nothing may go on.
    pub(crate) longest_gaps: Gaps,
}

impl Plan {
    /// Two of each service with their usual settings, under the usual load.
    pub(crate) fn usual(addresses: Addresses, longest_gaps: Gaps) -> Self {
        let settings = Vec::new();
        Self { addresses, apis: 2, workers: 2, settings, clients_per_second: 8, longest_gaps }
    }
}

/// Services that clients use.
pub(crate) struct Trial {
    pub(crate) system: Arc<System>,
    pub(crate) plan: Plan,
    sink: Sink,
    receiver: Receiver,
    clock: Clock,
    load: Arc<Load>,
    first: At,
    faults: Vec<Observed>,
    ends: Arc<Mutex<Vec<Ended>>>,
    coming: JoinHandle<()>,
    watching: JoinHandle<()>,
}

impl Trial {
    /// Starts everything, and returns once the first clients are through.
    pub(crate) async fn start(plan: Plan) -> Self {
        let clock = Clock::start();
        let sink = Sink::start(clock).await;
        let own = [plan.addresses.settings(), plan.settings.clone()].concat();
        let receiver = Receiver::start(clock).await;
        let settings = [common(sink.port()), webhook(receiver.port()), own].concat();
        let system = Arc::new(System::start(plan.apis, plan.workers, &settings).await);
        let apis = system.urls();
        let surroundings = Surroundings { apis, sink: sink.clone(), clock };
        let load = Arc::new(Load::new(surroundings));
        let ends = Arc::<Mutex<Vec<Ended>>>::default();
        let first = clock.now();
        let coming = tokio::spawn({
            let (load, per_second) = (load.clone(), plan.clients_per_second);
            async move { match load.keep_coming(per_second).await {} }
        });
        let watching = tokio::spawn({
            let (system, ends) = (system.clone(), ends.clone());
            async move { match system.watch(clock, &ends).await {} }
        });
        let faults = Vec::new();
        let trial = Self {
            system,
            plan,
            sink,
            receiver,
            clock,
            load,
            first,
            faults,
            ends,
            coming,
            watching,
        };
        trial.wait_for_clients(WARM).await;
        trial
    }

    /// The clock of everything that is seen.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Now, on the clock of everything that is seen.
    pub(crate) fn now(&self) -> At {
        self.clock.now()
    }

    /// Waits until so many more clients are through with all they wanted.
    pub(crate) async fn wait_for_clients(&self, more: usize) {
        let enough = self.load.finished() + more;
        eventually(&format!("{more} clients to get through"), async || {
            (self.load.finished() >= enough).then_some(())
        })
        .await;
    }

    /// Writes down what was done to a server, from a moment until now, and what showed it.
    pub(crate) fn record(&mut self, fault: Fault, begin: At, effect: impl Into<String>) {
        let end = self.now();
        self.faults.push(Observed { fault, begin, end, effect: Ok(effect.into()) });
    }

    /// Lets nobody come any more, waits until the last is through, and judges. Asks for leftovers
    /// at `addresses`, where the servers are by now.
    pub(crate) async fn judge(self) -> Verdict {
        let last = self.clock.now();
        self.coming.abort();
        self.load.finish(SETTLING).await;
        self.load.check_active().await;
        let evidence = Evidence {
            histories: self.load.histories(),
            mails: self.sink.copies(),
            faults: self.faults.clone(),
            leftovers: leftovers::in_the_end(&self.plan.addresses, EMPTYING).await,
            deliveries: self.receiver.deliveries(),
            ends: std::mem::take(&mut self.ends.lock().unwrap()),
            usages: Vec::new(),
        };
        let gaps = Gaps::of(&evidence, self.first, last);
        let ledger = Ledger::of(&evidence, &terms(self.enough(last)));
        let mut verdict = Verdict { ledger: Some(ledger), gaps: Some(gaps), ..Verdict::default() };
        let allowed = self.plan.longest_gaps;
        for (what, took, allowed) in [
            ("registration was accepted", gaps.registrations, allowed.registrations),
            ("mail was sent", gaps.mails, allowed.mails),
        ] {
            let problem = format!("no {what} for {took:.1?}; at most {allowed:?} are allowed");
            verdict.expect(took <= allowed, problem);
        }
        if !verdict.holds() {
            self.save_logs();
        }
        verdict
    }

    /// A third of those that came: some servers are away for a while.
    fn enough(&self, last: At) -> usize {
        let seconds = last.saturating_sub(self.first).as_secs();
        let came = seconds * u64::from(self.plan.clients_per_second);
        usize::try_from(came / 3).unwrap_or(usize::MAX)
    }

    fn save_logs(&self) {
        let folder = target_directory().join("clusters").join(&self.plan.addresses.name);
        match self.system.save_logs(&folder) {
            Ok(()) => eprintln!("clusters: the logs are in {}", folder.display()),
            Err(error) => eprintln!("clusters: the logs cannot be written: {error}"),
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.save_logs();
        }
        self.coming.abort();
        self.watching.abort();
    }
}
