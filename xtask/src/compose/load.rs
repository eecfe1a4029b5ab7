//! Registrations one after the other, from a thread of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::client::{Client, new_address};
use super::command::wait_for;
use super::error::ComposeError;
use crate::process::Interrupt;

const ACCEPTED_LIMIT: Duration = Duration::from_mins(2);
/// Between requests: the inbox keeps a bounded number of mails, and all must be found in it.
const PAUSE: Duration = Duration::from_millis(100);

/// The addresses whose registration was answered with 201.
#[derive(Default)]
pub(super) struct Load {
    accepted: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Load {
    /// Registers addresses while `meanwhile` runs, and returns those that were accepted.
    pub(super) fn during(
        interrupt: &Interrupt,
        meanwhile: impl FnOnce(&Self) -> Result<(), ComposeError>,
    ) -> Result<Vec<String>, ComposeError> {
        let load = Self::default();
        thread::scope(|scope| {
            scope.spawn(|| load.register(interrupt));
            let outcome = meanwhile(&load);
            load.is_over.store(true, Ordering::Relaxed);
            outcome
        })?;
        let accepted = load.accepted.into_inner();
        Ok(accepted.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn register(&self, interrupt: &Interrupt) {
        let client = Client::new(interrupt);
        while !self.is_over.load(Ordering::Relaxed) && interrupt.check().is_ok() {
            let address = new_address("load");
            let is_accepted = client.register(&address).is_ok_and(|answer| answer.status == 201);
            if is_accepted {
                self.addresses().push(address);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until ten more registrations were accepted.
    pub(super) fn wait_for_more(&self, interrupt: &Interrupt) -> Result<(), ComposeError> {
        let wanted = self.addresses().len() + 10;
        wait_for("registrations to be accepted", ACCEPTED_LIMIT, interrupt, || {
            let accepted = self.addresses().len();
            if accepted >= wanted { Ok(()) } else { Err(format!("{accepted} of {wanted}")) }
        })
    }

    /// Forgets what was accepted so far.
    pub(super) fn forget(&self) {
        self.addresses().clear();
    }

    fn addresses(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.accepted.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
