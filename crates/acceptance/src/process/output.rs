//! What processes write, as they write it.

use std::io::{BufRead, BufReader, Read};
use std::thread::JoinHandle;

use test_support::WAIT_TIMEOUT;
use tokio::sync::watch;
use tokio::time::timeout;

/// The lines of one or several streams, in the order in which they came. A clone is the same
/// output.
#[derive(Clone, Default)]
pub struct Output(watch::Sender<Content>);

#[derive(Default)]
struct Content {
    lines: Vec<String>,
    open_streams: usize,
}

impl Output {
    /// Adds the lines of a stream until it ends, on a thread of its own: the process never waits
    /// for a reader.
    pub(super) fn follow(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        self.0.send_modify(|content| content.open_streams += 1);
        let output = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                output.add_line(String::from_utf8_lossy(&line).into_owned());
            }
            output.0.send_modify(|content| content.open_streams -= 1);
        })
    }

    /// Adds a line of the tests' own.
    pub(super) fn add_line(&self, line: String) {
        self.0.send_modify(|content| content.lines.push(line));
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.borrow().lines.clone()
    }

    /// What was written so far.
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Waits for a line that contains `part`.
    pub async fn line_with(&self, part: &str) -> String {
        let find =
            |content: &Content| content.lines.iter().find(|line| line.contains(part)).cloned();
        self.wait_until(part, |content| find(content).is_some() || content.open_streams == 0).await;
        let found = find(&self.0.borrow());
        found.unwrap_or_else(|| panic!("it ended without writing {part:?}:\n{}", self.text()))
    }

    /// Waits until every stream has ended and returns all that was written.
    pub async fn whole(&self) -> String {
        self.wait_until("the end of the output", |content| content.open_streams == 0).await;
        self.text()
    }

    async fn wait_until(&self, what: &str, condition: impl Fn(&Content) -> bool) {
        let mut content = self.0.subscribe();
        let reached = timeout(WAIT_TIMEOUT, content.wait_for(condition)).await.is_ok();
        assert!(reached, "waited {WAIT_TIMEOUT:?} in vain for {what:?} in\n{}", self.text());
    }
}
