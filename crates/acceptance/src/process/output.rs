//! What a program writes, as it writes it.

use std::io::{BufRead, BufReader, Read};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::wait::PATIENCE;

/// The lines of one stream of a program. Read to the end, so that the program never waits for a reader.
pub struct Output(watch::Receiver<Vec<String>>);

impl Output {
    /// Collects lines until the stream ends, on a thread of its own.
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(Vec::new());
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                sender.send_modify(|lines| lines.push(String::from_utf8_lossy(&line).into_owned()));
            }
        });
        Self(receiver)
    }

    /// Waits for a line that contains `part`.
    pub async fn line_with(&self, part: &str) -> String {
        let find = |lines: &Vec<String>| lines.iter().find(|line| line.contains(part)).cloned();
        let mut lines = self.0.clone();
        let found = timeout(PATIENCE, lines.wait_for(|lines| find(lines).is_some())).await;
        let found = found.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {part:?}:\n{}", self.text()));
        let found = found.map(|lines| find(&lines).unwrap());
        found.unwrap_or_else(|_| panic!("it ended without writing {part:?}:\n{}", self.text()))
    }

    /// Waits for the end of the stream and returns all of it.
    pub async fn whole(&self) -> String {
        let mut lines = self.0.clone();
        let ended = timeout(PATIENCE, async { while lines.changed().await.is_ok() {} }).await;
        assert!(ended.is_ok(), "waited {PATIENCE:?} for the end of:\n{}", self.text());
        self.text()
    }

    /// What was written so far.
    pub fn text(&self) -> String {
        self.0.borrow().join("\n")
    }
}
