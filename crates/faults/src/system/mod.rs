//! A running system with everything it needs, each connection by way of a proxy.

mod held;
pub mod leftovers;
mod measure;
mod servers;
pub mod settings;
mod wall_clock;

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acceptance::{Deployment, Program, Service};
use tempfile::TempDir;
use test_servers::{Interrupt, ServerError};
use test_support::{Proxy, free_port};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::evidence::{Ended, Terms};
use crate::receiver::Receiver;
use crate::schedule::Part;
use crate::sink::Sink;

pub use held::Held;
pub use measure::Measured;
pub use servers::{EXCHANGE, Servers, data_directory};
pub use wall_clock::WallClock;

/// How often processes are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A process of the product.
pub struct Process {
    /// Which one.
    pub part: Part,
    /// What runs, or does not.
    pub service: Service,
    /// The clock that it reads the time from.
    pub wall_clock: WallClock,
}

/// The product's processes, its servers and its mail server.
pub struct System {
    /// How it is deployed.
    pub deployment: Deployment,
    /// The product's processes.
    pub processes: Vec<Process>,
    /// In front of each API.
    pub gates: Vec<Proxy>,
    /// What a distributed system needs.
    pub servers: Option<Servers>,
    /// In front of the mail server.
    pub smtp: Proxy,
    /// The mail server.
    pub sink: Sink,
    /// In front of the receiver of the webhook.
    pub webhook: Proxy,
    /// The receiver of the webhook.
    pub receiver: Receiver,
    // Dropped last: the others write to it.
    data: TempDir,
}

impl System {
    /// Starts everything and waits until it is ready.
    pub async fn start(
        deployment: Deployment,
        clock: Clock,
        interrupt: &Interrupt,
    ) -> Result<Self, ServerError> {
        let data = servers::data_directory()?;
        let sink = Sink::start(clock).await;
        let smtp = Proxy::start(format!("127.0.0.1:{}", sink.port())).await;
        let receiver = Receiver::start(clock).await;
        let webhook = Proxy::start(format!("127.0.0.1:{}", receiver.port())).await;
        let mut common =
            [settings::common(smtp.port()), settings::webhook(webhook.port())].concat();
        let servers = match deployment {
            Deployment::Distributed => Some(Servers::start(data.path(), interrupt).await?),
            Deployment::Standalone => None,
        };
        common.extend(servers.iter().flat_map(Servers::settings));
        let (processes, apis) = match deployment {
            Deployment::Distributed => distributed(&common).await?,
            Deployment::Standalone => standalone(&common, data.path())?,
        };
        let mut gates = Vec::new();
        for api in &apis {
            gates.push(Proxy::start(api.clone()).await);
        }
        for process in &processes {
            process.service.start().await;
        }
        Ok(Self { deployment, processes, gates, servers, smtp, sink, webhook, receiver, data })
    }

    /// The base URL of each API, by way of its proxy.
    pub fn urls(&self) -> Arc<[String]> {
        self.gates.iter().map(|gate| format!("http://{}", gate.address())).collect()
    }

    /// What the system was told, as far as the ledger depends on it.
    pub fn terms(&self, enough: usize) -> Terms {
        settings::terms(enough)
    }

    /// The process that is this part.
    pub fn process(&self, part: Part) -> Option<&Process> {
        self.processes.iter().find(|process| process.part == part)
    }

    /// Its servers, where it has them.
    pub fn servers(&self) -> &Servers {
        self.servers.as_ref().expect("a distributed system")
    }

    /// Starts processes that ended by themselves again, and writes them down, until this future is
    /// dropped.
    pub async fn watch_processes(&self, clock: Clock, ends: &Mutex<Vec<Ended>>) -> Infallible {
        loop {
            for process in &self.processes {
                restart_if_ended(process.part, &process.service, clock, ends);
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until every process is ready.
    pub async fn wait_until_ready(&self) {
        for process in &self.processes {
            process.service.wait_until_ready().await;
        }
    }

    /// Where the files of a standalone system are.
    fn data(&self) -> &Path {
        self.data.path()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.processes.iter().for_each(|process| process.service.kill());
    }
}

/// Processes that do not run yet, and the addresses of their APIs.
type Started = Result<(Vec<Process>, Vec<String>), ServerError>;

async fn distributed(settings: &[(String, String)]) -> Started {
    let api = Program::of_product("registration-api").settings(settings);
    let worker = Program::of_product("email-worker").settings(settings);
    let migrated = api.clone().arguments(["migrate"]).run_to_end().await;
    assert_eq!(migrated.code, 0, "{}", migrated.output());
    let mut apis = Vec::new();
    let mut processes = Vec::new();
    for index in 0..2 {
        let (process, address) = process(Part::Api(index), &api, "http.listen")?;
        apis.push(address);
        processes.push(process);
    }
    for index in 0..2 {
        processes.push(process(Part::Worker(index), &worker, "metrics.listen")?.0);
    }
    Ok((processes, apis))
}

fn standalone(settings: &[(String, String)], data: &Path) -> Started {
    let program = Program::of_product("standalone").settings(settings);
    let program = program.arguments(["--data-dir".to_owned(), data.display().to_string()]);
    let (process, api) = process(Part::Standalone, &program, "http.listen")?;
    Ok((vec![process], vec![api]))
}

/// A process with listeners on free ports, and the address of `asked`, where it says whether it is
/// ready.
fn process(part: Part, program: &Program, asked: &str) -> Result<(Process, String), ServerError> {
    let wall_clock = WallClock::new()?;
    let listen = ["http.listen", "metrics.listen"];
    let addresses = listen.map(|key| (key, format!("127.0.0.1:{}", free_port())));
    let mut program = wall_clock.given_to(program.clone()).setting("product.listen", "off");
    for (key, address) in &addresses {
        program = program.setting(key, address);
    }
    let asked = addresses.into_iter().find(|(key, _)| *key == asked);
    let (_, address) = asked.expect("one of its listeners");
    let service = Service::new(program, format!("http://{address}/health/ready"));
    Ok((Process { part, service, wall_clock }, address))
}

/// Starts a process again that has ended by itself, and writes that down with the end of its log.
pub fn restart_if_ended(part: Part, service: &Service, clock: Clock, ends: &Mutex<Vec<Ended>>) {
    let Some(status) = service.exit_status() else { return };
    let lines = service.logs().lines();
    let last = lines.iter().rev().take(5).rev().cloned().collect::<Vec<_>>();
    let status = format!("{status}\n{}", last.join("\n"));
    ends.lock().unwrap().push(Ended { process: part.to_string(), at: clock.now(), status });
    service.launch();
}
