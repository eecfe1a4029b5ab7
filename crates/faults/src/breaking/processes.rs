//! `kill -9`, SIGSTOP and restarts.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::effect::Effect;
use crate::schedule::Part;
use crate::system::{Process, System};

/// How long it may take until a signal has its effect, and how often somebody looks.
const STOPPING: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

impl System {
    pub(super) async fn kill(&self, part: Part) -> Effect {
        let id = self.id(part).await;
        match self.process(part) {
            Some(process) => process.service.kill(),
            None => self.servers().with(part, test_servers::Server::kill).await,
        }
        let id = id.ok_or("it was not running")?;
        if is_running(id) { Err(format!("process {id} runs")) } else { Ok(format!("{id} is gone")) }
    }

    /// A server is started again when the system recovers.
    pub(super) fn start_again(&self, part: Part) {
        if let Some(process) = self.process(part) {
            process.service.launch();
        }
    }

    pub(super) async fn stop(&self, part: Part) -> Effect {
        let id = self.id(part).await.ok_or("it was not running")?;
        match self.process(part) {
            Some(process) => process.service.signal("STOP"),
            None => self.servers().with(part, |server| server.freeze()).await,
        }
        // One that runs at this moment is stopped a moment later.
        let is_stopped = async {
            while !state_of(id).starts_with('T') {
                sleep(LOOK).await;
            }
        };
        match timeout(STOPPING, is_stopped).await {
            Ok(()) => Ok(format!("{id} is stopped")),
            Err(_) => Err(format!("{id} is not stopped: {}", state_of(id))),
        }
    }

    pub(super) async fn go_on(&self, part: Part) {
        match self.process(part) {
            Some(process) => process.service.signal("CONT"),
            None => self.servers().with(part, |server| server.thaw()).await,
        }
    }

    /// Stops a part as its operator would, and starts it again.
    pub(super) async fn restart(&self, part: Part) -> Effect {
        if let Some(process) = self.process(part) {
            return restart(process).await;
        }
        let interrupt = self.servers().interrupt.clone();
        let before = self.id(part).await;
        let restarted = self.servers().with(part, move |server| server.restart(&interrupt)).await;
        restarted.map_err(|error| error.to_string())?;
        expect_another(before, self.id(part).await)
    }

    /// Restarts each process before the next.
    pub(super) async fn restart_processes(&self) -> Effect {
        for process in &self.processes {
            restart(process).await?;
            process.service.wait_until_ready().await;
        }
        Ok(format!("{} processes have other identifiers", self.processes.len()))
    }

    async fn id(&self, part: Part) -> Option<u32> {
        match self.process(part) {
            Some(process) => process.service.id(),
            None => self.servers().with(part, |server| server.pid()).await,
        }
    }
}

async fn restart(process: &Process) -> Effect {
    let before = process.service.id();
    let status = process.service.terminate().await;
    if !status.success() {
        return Err(format!("{} ended with {status}", process.part));
    }
    process.service.launch();
    // Readiness is for the recovery: another part may be out of order as well.
    expect_another(before, process.service.id())
}

fn expect_another(before: Option<u32>, after: Option<u32>) -> Effect {
    match after {
        Some(after) if before != Some(after) => Ok(format!("process {after} has taken over")),
        _ => Err("the same process runs".to_owned()),
    }
}

fn is_running(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

/// The state of a process and the rest of its line: `T` is stopped.
fn state_of(id: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").map_or(stat.clone(), |(_, state)| state.to_owned())
}
