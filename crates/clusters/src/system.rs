//! The product's processes: any number of APIs and workers on the same stores.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acceptance::{Program, Service};
use faults::clock::Clock;
use faults::evidence::Ended;
use faults::schedule::Part;
use faults::system::restart_if_ended;
use faults::system::settings::Settings;
use test_support::{eventually, free_port};
use tokio::time::sleep;

/// How often processes are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// APIs and workers that run.
pub(crate) struct System {
    /// Each with what the ledger calls it.
    processes: Vec<(Part, Service)>,
    urls: Arc<[String]>,
}

impl System {
    /// Migrates the database, starts so many APIs and workers, and waits until they are ready.
    pub(crate) async fn start(apis: usize, workers: usize, settings: &Settings) -> Self {
        let api = Program::of_product("registration-api").settings(settings);
        let worker = Program::of_product("email-worker").settings(settings);
        let migrated = api.clone().arguments(["migrate"]).run_to_end().await;
        assert_eq!(migrated.code, 0, "{}", migrated.output());
        let mut processes = Vec::new();
        let mut urls = Vec::new();
        for index in 0..apis {
            let (service, url) = service(&api, "http.listen");
            urls.push(url);
            processes.push((Part::Api(index), service));
        }
        for index in 0..workers {
            processes.push((Part::Worker(index), service(&worker, "metrics.listen").0));
        }
        processes.iter().for_each(|(_, service)| service.launch());
        let system = Self { processes, urls: urls.into() };
        system.wait_until_ready().await;
        system
    }

    /// The base URL of each API.
    pub(crate) fn urls(&self) -> Arc<[String]> {
        self.urls.clone()
    }

    /// `kill -9` to a process, which stays away until `launch`.
    pub(crate) fn kill(&self, part: Part) {
        self.service(part).kill();
    }

    /// Starts a process that was killed; it need not be ready yet.
    pub(crate) fn launch(&self, part: Part) {
        self.service(part).launch();
    }

    fn service(&self, part: Part) -> &Service {
        let found = self.processes.iter().find(|(of, _)| *of == part);
        found.map(|(_, service)| service).expect("one of the processes")
    }

    /// Waits until each API reports that it lacks a dependency, and is ready all the same.
    pub(crate) async fn wait_until_without(&self, dependency: &str) {
        for (part, service) in &self.processes {
            if !matches!(part, Part::Api(_)) {
                continue;
            }
            eventually(&format!("{part} to report that {dependency} is down"), async || {
                let health = service.readiness().await;
                assert_ne!(health["status"], "unavailable", "{part} is not ready: {health}");
                (health["dependencies"][dependency]["status"] == "down").then_some(())
            })
            .await;
        }
    }

    /// Waits until every process is ready.
    pub(crate) async fn wait_until_ready(&self) {
        for (_, service) in &self.processes {
            service.wait_until_ready().await;
        }
    }

    /// Writes down processes that ended by themselves, and starts them again, until this future is
    /// dropped.
    pub(crate) async fn watch(&self, clock: Clock, ends: &Mutex<Vec<Ended>>) -> Infallible {
        loop {
            for (part, service) in &self.processes {
                restart_if_ended(*part, service, clock, ends);
            }
            sleep(LOOK).await;
        }
    }

    /// Writes what each process has logged to a file in `folder`.
    pub(crate) fn save_logs(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for (part, service) in &self.processes {
            let file = folder.join(format!("{part}.log").replace(' ', "-"));
            std::fs::write(file, service.logs().text())?;
        }
        Ok(())
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.processes.iter().for_each(|(_, service)| service.kill());
    }
}

/// A process with listeners on free ports, and the URL of `asked`, where it says whether it is
/// ready.
fn service(program: &Program, asked: &str) -> (Service, String) {
    let mut program = program.clone().setting("product.listen", "off");
    let mut url = String::new();
    for key in ["http.listen", "metrics.listen"] {
        let address = format!("127.0.0.1:{}", free_port());
        program = program.setting(key, &address);
        if key == asked {
            url = format!("http://{address}");
        }
    }
    (Service::new(program, format!("{url}/health/ready")), url)
}
