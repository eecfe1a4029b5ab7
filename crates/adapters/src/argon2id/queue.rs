//! A bounded queue between async callers and threads. Its lock is never held while a job runs, so a
//! caller may take it on an executor thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::estimate::Estimate;
use super::held_back::{Answer, HeldBack, LONGEST, Situation};

/// One part in so many of the deadline is what a job may be expected to wait. The expectation is an
/// average, and whoever waits for the whole deadline and is refused then has waited in vain.
const EXPECTED_PART: u32 = 2;

/// What the queue asks of a job.
pub(super) trait Queued {
    /// Whether nobody is waiting for it any more.
    fn is_abandoned(&self) -> bool;

    /// Before which others it goes.
    fn priority(&self) -> Priority;
}

/// The order of jobs: each goes before those of a later variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// Somebody comes back with a code.
    Activation,
    /// Somebody registers.
    Registration,
    /// The product asks. Gets at most a quarter of the waiting places.
    Product,
}

impl Priority {
    const COUNT: usize = 3;
}

/// The part of the waiting places that jobs of the product get: one of so many.
const PART_OF_PRODUCT: usize = 4;

/// Jobs waiting for one of a fixed number of threads, first come, first served among equals.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    threads: usize,
    /// How many jobs may be waiting or running at once.
    capacity: usize,
    /// How long a job may wait for a thread.
    deadline: Duration,
}

/// What became of a job.
pub(super) struct Done {
    /// How long it took, if it was done at all.
    pub(super) took: Option<Duration>,
    /// Tells whoever waits for it.
    pub(super) answer: Answer,
}

struct State<T> {
    /// By priority.
    queues: [VecDeque<T>; Priority::COUNT],
    running: usize,
    closed: bool,
    estimate: Estimate,
    answers: HeldBack,
}

/// Why a job was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotQueued {
    /// Every thread is busy, and the queue is full or too long for the deadline.
    Full,
    /// The queue is closed.
    Closed,
}

impl<T> State<T> {
    fn waiting(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// How many jobs go before a new one of this priority.
    fn ahead_of(&self, priority: Priority) -> usize {
        self.queues[..=priority as usize].iter().map(VecDeque::len).sum()
    }

    fn next(&mut self) -> Option<T> {
        self.queues.iter_mut().find_map(VecDeque::pop_front)
    }
}

impl<T: Queued> Queue<T> {
    /// A queue for `threads` threads, in which `waiting` more jobs may wait for `deadline`.
    pub(super) fn new(threads: usize, waiting: usize, deadline: Duration) -> Self {
        let state = State {
            queues: [const { VecDeque::new() }; Priority::COUNT],
            running: 0,
            closed: false,
            estimate: Estimate::default(),
            answers: HeldBack::for_at_most(LONGEST),
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            threads,
            capacity: threads.saturating_add(waiting),
            deadline,
        }
    }

    /// Adds a job, unless it is not sure to begin before its deadline: to be refused at once costs
    /// its caller less than to wait and be refused. Abandoned jobs make room first.
    pub(super) fn push(&self, job: T) -> Result<(), NotQueued> {
        let mut state = self.lock();
        if state.closed {
            return Err(NotQueued::Closed);
        }
        if !self.make_room(&mut state, job.priority()) {
            return Err(NotQueued::Full);
        }
        state.queues[job.priority() as usize].push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Whether `push` would take a job of this priority now.
    pub(super) fn takes(&self, priority: Priority) -> bool {
        self.make_room(&mut self.lock(), priority)
    }

    fn make_room(&self, state: &mut State<T>, priority: Priority) -> bool {
        if self.has_room(state, priority) {
            return true;
        }
        state.queues.iter_mut().for_each(|queue| queue.retain(|job| !job.is_abandoned()));
        self.has_room(state, priority)
    }

    /// A free thread always takes a job, whatever the estimate says, which it may correct by that.
    fn has_room(&self, state: &State<T>, priority: Priority) -> bool {
        let to_end_first =
            (state.ahead_of(priority) + state.running + 1).saturating_sub(self.threads);
        state.waiting() + state.running < self.capacity
            && (to_end_first == 0
                || self.has_place(state, priority)
                    && state.estimate.of(to_end_first, self.threads)
                        <= self.deadline / EXPECTED_PART)
    }

    /// Whether its priority has a waiting place left.
    fn has_place(&self, state: &State<T>, priority: Priority) -> bool {
        let waiting_places = self.capacity - self.threads;
        match priority {
            Priority::Activation | Priority::Registration => true,
            Priority::Product => {
                state.queues[priority as usize].len() < waiting_places / PART_OF_PRODUCT
            }
        }
    }

    /// Runs one job after the other on this thread, until the queue is closed. A job that panics is
    /// lost, and nothing else.
    pub(super) fn work(&self, mut run: impl FnMut(T) -> Done) {
        let mut state = self.lock();
        while !state.closed {
            if let Some(job) = state.next() {
                state.running += 1;
                drop(state);
                // The panic is logged where it happens.
                let done = catch_unwind(AssertUnwindSafe(|| run(job)));
                state = self.finish(done.ok());
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Takes note of a job that has ended, and answers it and those before it if that is due.
    fn finish(&self, done: Option<Done>) -> MutexGuard<'_, State<T>> {
        let mut state = self.lock();
        state.running -= 1;
        if let Some(Done { took, answer }) = done {
            took.into_iter().for_each(|took| state.estimate.learn(took));
            state.answers.push(answer);
        }
        let situation = Situation {
            is_busy: state.waiting() >= self.threads,
            next_in: state.estimate.of(1, self.threads),
        };
        let answers = state.answers.due(&situation);
        if answers.is_empty() {
            return state;
        }
        drop(state);
        answers.into_iter().for_each(|answer| answer());
        self.lock()
    }

    /// How many jobs are waiting.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting()
    }

    /// Drops the waiting jobs and lets the threads exit.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.queues.iter_mut().for_each(VecDeque::clear);
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
