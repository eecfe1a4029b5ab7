//! A running process.

use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use test_support::{WAIT_TIMEOUT, eventually_within};

use super::Output;

/// A process and what it writes. It is killed when this is dropped.
pub struct Process {
    name: String,
    child: Mutex<Child>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    /// What it writes to standard output.
    pub stdout: Output,
    /// What it writes to standard error.
    pub stderr: Output,
}

impl Process {
    pub(super) fn new(name: String, mut child: Child, stdout: Output, stderr: Output) -> Self {
        let readers = [
            child.stdout.take().map(|stream| stdout.follow(stream)),
            child.stderr.take().map(|stream| stderr.follow(stream)),
        ];
        let readers = readers.into_iter().flatten().collect();
        Self { name, child: Mutex::new(child), readers: Mutex::new(readers), stdout, stderr }
    }

    /// Its process identifier.
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// The processor time that it has taken so far: what it did, however busy the machine is.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The name of the program, in parentheses, may hold anything; user and system time are the
        // 14th and 15th field, in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks =
            fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// How many files and sockets it has open.
    pub fn open_descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// Sends a signal, `INT` or `TERM` for example.
    pub fn signal(&self, signal: &str) {
        let status =
            Command::new("kill").args(["-s", signal, &self.id().to_string()]).status().unwrap();
        assert!(status.success(), "{} cannot be sent {signal}", self.name);
    }

    /// `kill -9`: it gets no chance to tidy up.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        // An error means that it has ended already.
        let _ = child.kill();
        child.wait().unwrap();
    }

    /// How it ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap().try_wait().unwrap()
    }

    /// Waits until it has ended.
    pub async fn wait(&self) -> ExitStatus {
        self.wait_within(WAIT_TIMEOUT).await
    }

    /// Waits until it has ended, which must happen in this time.
    pub async fn wait_within(&self, timeout: Duration) -> ExitStatus {
        eventually_within(timeout, &format!("the end of {}", self.name), async || {
            self.exit_status()
        })
        .await
    }

    /// Blocks until everything that it wrote before its end has been read.
    pub(super) fn finish_reading(&self) {
        self.readers.lock().unwrap().drain(..).for_each(|reader| reader.join().unwrap());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
