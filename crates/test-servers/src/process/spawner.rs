//! One thread that starts every child.
//!
//! The kernel sends the signal of `tied_to_us` when the thread that started the child ends, not when
//! the process does. Threads of tests and of async runtimes come and go; this one stays.

use std::io;
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

struct Request {
    command: Command,
    answer: Sender<(Command, io::Result<Child>)>,
}

static SPAWNER: LazyLock<Sender<Request>> = LazyLock::new(|| {
    let (sender, requests) = channel::<Request>();
    thread::spawn(move || {
        for Request { mut command, answer } in requests {
            let child = command.spawn();
            // Whoever asks waits for the answer.
            let _ = answer.send((command, child));
        }
    });
    sender
});

/// `command.spawn()` in that thread.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let (answer, answered) = channel();
    let lent = std::mem::replace(command, Command::new(""));
    let gone = || io::Error::other("the thread that starts processes has ended");
    SPAWNER.send(Request { command: lent, answer }).map_err(|_| gone())?;
    let (returned, child) = answered.recv().map_err(|_| gone())?;
    *command = returned;
    child
}
