//! Standard error, written by a thread of its own: a reader that goes away, one that stays and
//! reads nothing, or a full disk must neither end nor delay the work (OWASP ASVS 16.5.2). Lines
//! that cannot be written are counted and dropped; writing goes on as soon as it can.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The metric that counts the lines that could not be written.
pub(crate) const LOST_LINES: &str = "registration_log_lines_lost_total";

/// How much may wait for a slow reader.
const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// How long the end of the process waits for a slow reader.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

static QUEUE: LazyLock<Arc<Queue>> = LazyLock::new(|| {
    let queue = Arc::new(Queue::default());
    let writer = queue.clone();
    // Without the thread, every line is counted as lost once the queue is full.
    let _ = std::thread::Builder::new()
        .name("standard-error".into())
        .spawn(move || writer.write_lines_to(&mut std::io::stderr()));
    queue
});

/// Counts what was lost before there was a recorder.
pub(crate) fn count_lost_so_far() {
    count_lost(QUEUE.lock().lost);
}

/// Queues a line.
pub(crate) fn write_line(line: &[u8]) {
    QUEUE.push(line);
}

/// Waits until every line is written, at most a second.
pub(crate) fn flush() {
    QUEUE.flush(FLUSH_TIMEOUT);
}

/// Flushes when it is dropped, at the end of a process or at a panic in its main function.
pub(crate) struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        flush();
    }
}

fn count_lost(lost: u64) {
    metrics::counter!(LOST_LINES).absolute(lost);
}

/// Lines on their way to a stream.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    is_writing: bool,
    lost: u64,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.waiting_bytes + line.len() > MAX_WAITING_BYTES {
            drop(state);
            self.lose_line();
            return;
        }
        state.waiting_bytes += line.len();
        state.lines.push_back(line.to_vec());
        self.changed.notify_all();
    }

    fn lose_line(&self) {
        let mut state = self.lock();
        state.lost += 1;
        count_lost(state.lost);
    }

    fn write_lines_to(&self, stream: &mut impl Write) {
        loop {
            let line = self.next_line();
            if stream.write_all(&line).and_then(|()| stream.flush()).is_err() {
                self.lose_line();
            }
        }
    }

    fn next_line(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.is_writing = false;
        self.changed.notify_all();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.waiting_bytes -= line.len();
                state.is_writing = true;
                return line;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn flush(&self, timeout: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.lines.is_empty();
        // What is not written by the end of the timeout is lost with the process.
        drop(self.changed.wait_timeout_while(self.lock(), timeout, is_busy));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands each line to the test, which answers whether it is written.
    struct Reader {
        lines: mpsc::Sender<Vec<u8>>,
        outcomes: mpsc::Receiver<std::io::Result<()>>,
    }

    impl Write for Reader {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.lines.send(line.to_vec()).map_err(std::io::Error::other)?;
            self.outcomes.recv().map_err(std::io::Error::other)?.map(|()| line.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    type Line = mpsc::Receiver<Vec<u8>>;

    fn start() -> (Arc<Queue>, Line, mpsc::Sender<std::io::Result<()>>) {
        let queue = Arc::new(Queue::default());
        let (line_sender, lines) = mpsc::channel();
        let (outcome_sender, outcomes) = mpsc::channel();
        let writer = queue.clone();
        std::thread::spawn(move || {
            writer.write_lines_to(&mut Reader { lines: line_sender, outcomes });
        });
        (queue, lines, outcome_sender)
    }

    #[test]
    fn a_line_that_cannot_be_written_is_counted_and_the_next_is_written() {
        let (queue, lines, outcomes) = start();
        outcomes.send(Err(std::io::ErrorKind::StorageFull.into())).unwrap();
        outcomes.send(Ok(())).unwrap();
        queue.push(b"lost\n");
        queue.push(b"written\n");
        queue.flush(Duration::from_secs(10));
        assert_eq!(
            lines.try_iter().collect::<Vec<_>>(),
            [b"lost\n".to_vec(), b"written\n".to_vec()]
        );
        assert_eq!(queue.lock().lost, 1);
    }

    #[test]
    fn a_reader_that_reads_nothing_delays_nobody_and_finds_what_fits() {
        let (queue, lines, outcomes) = start();
        let line = vec![b'x'; MAX_WAITING_BYTES / 4];
        queue.push(&line);
        lines.recv().unwrap();
        for _ in 0..10 {
            queue.push(&line);
        }
        queue.flush(Duration::from_millis(10));
        assert_eq!(queue.lock().lost, 6);
        (0..5).for_each(|_| outcomes.send(Ok(())).unwrap());
        queue.flush(Duration::from_secs(10));
        assert_eq!(lines.try_iter().count(), 4);
        assert_eq!(queue.lock().lost, 6);
    }
}
