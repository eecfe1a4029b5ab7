//! A bounded queue between async callers and threads. Its lock is never held while a job runs, so a
//! caller may take it on an executor thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs waiting for one of a fixed number of threads, first come, first served.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// How many jobs may be waiting or running at once.
    capacity: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    running: usize,
    closed: bool,
}

/// Why a job was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotQueued {
    /// Every thread is busy and the queue is full.
    Full,
    /// The queue is closed.
    Closed,
}

impl<T> Queue<T> {
    /// A queue for `threads` threads, in which `waiting` more jobs may wait.
    pub(super) fn new(threads: usize, waiting: usize) -> Self {
        Self {
            state: Mutex::new(State { waiting: VecDeque::new(), running: 0, closed: false }),
            changed: Condvar::new(),
            capacity: threads.saturating_add(waiting),
        }
    }

    /// Adds a job at the end. When the queue is full, `abandoned` jobs are dropped to make room.
    pub(super) fn push(&self, job: T, abandoned: impl Fn(&T) -> bool) -> Result<(), NotQueued> {
        let mut state = self.lock();
        if state.closed {
            return Err(NotQueued::Closed);
        }
        if state.waiting.len() + state.running >= self.capacity {
            state.waiting.retain(|job| !abandoned(job));
        }
        if state.waiting.len() + state.running >= self.capacity {
            return Err(NotQueued::Full);
        }
        state.waiting.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Runs one job after the other on this thread, until the queue is closed. A job that panics is
    /// lost, and nothing else.
    pub(super) fn work(&self, mut run: impl FnMut(T)) {
        let mut state = self.lock();
        while !state.closed {
            if let Some(job) = state.waiting.pop_front() {
                state.running += 1;
                drop(state);
                // The panic is logged where it happens.
                let _ = catch_unwind(AssertUnwindSafe(|| run(job)));
                state = self.lock();
                state.running -= 1;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// How many jobs are waiting.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Drops the waiting jobs and lets the threads exit.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_abandoned_makes_way_and_nothing_else() {
        let queue = Queue::new(1, 1);
        queue.push("kept", |_| false).unwrap();
        queue.push("abandoned", |_| false).unwrap();
        assert_eq!(queue.waiting(), 2);
        assert_eq!(queue.push("late", |_| false), Err(NotQueued::Full));
        assert_eq!(queue.push("late", |job| *job == "abandoned"), Ok(()));
        assert_eq!(queue.push("later", |job| *job == "abandoned"), Err(NotQueued::Full));
        assert_eq!(Vec::from(queue.lock().waiting.clone()), ["kept", "late"]);
    }

    #[test]
    fn a_job_that_panics_costs_no_thread() {
        let queue = Arc::new(Queue::new(1, 2));
        let (done, is_done) = mpsc::channel();
        let worker = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.work(|job: &str| {
                    assert_ne!(job, "bad");
                    done.send(job).unwrap();
                });
            }
        });
        queue.push("bad", |_| false).unwrap();
        queue.push("good", |_| false).unwrap();
        assert_eq!(is_done.recv_timeout(Duration::from_secs(10)), Ok("good"));
        queue.close();
        worker.join().unwrap();
        assert_eq!(queue.lock().running, 0);
    }

    #[test]
    fn a_running_job_takes_its_place() {
        let queue = Arc::new(Queue::new(1, 0));
        let (started, has_started) = mpsc::channel();
        let (finish, may_finish) = mpsc::channel();
        let worker = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.work(|job| {
                    started.send(job).unwrap();
                    may_finish.recv().unwrap();
                });
            }
        });
        queue.push(1, |_| false).unwrap();
        assert_eq!(has_started.recv_timeout(Duration::from_secs(10)), Ok(1));
        assert_eq!(queue.push(2, |_| false), Err(NotQueued::Full));
        queue.close();
        finish.send(()).unwrap();
        worker.join().unwrap();
        assert_eq!(queue.push(3, |_| false), Err(NotQueued::Closed));
    }

    #[test]
    fn closing_drops_what_waits_and_ends_idle_threads() {
        let queue = Arc::new(Queue::<Arc<()>>::new(2, 2));
        let job = Arc::new(());
        queue.push(job.clone(), |_| false).unwrap();
        queue.close();
        assert_eq!(Arc::strong_count(&job), 1);
        let workers = [(); 2].map(|()| {
            let queue = queue.clone();
            thread::spawn(move || queue.work(|_| panic!("nothing is left to run")))
        });
        for worker in workers {
            worker.join().unwrap();
        }
    }
}
