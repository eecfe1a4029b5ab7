//! What a process wrote, line by line, and what must never be in it.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The lines of one process, across its restarts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<String>>>);

impl Logs {
    /// Collects lines until the stream ends, on a thread of its own.
    pub fn follow(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let logs = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                logs.note(String::from_utf8_lossy(&line).into_owned());
            }
        })
    }

    /// Adds a line.
    pub fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
