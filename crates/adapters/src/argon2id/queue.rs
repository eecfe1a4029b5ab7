//! A bounded queue between async callers and threads. Its lock is never held while a job runs, so a
//! caller may take it on an executor thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::estimate::Estimate;

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

struct State<T> {
    /// By priority.
    queues: [VecDeque<T>; Priority::COUNT],
    running: usize,
    closed: bool,
    estimate: Estimate,
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
        if !self.has_room(&state, &job) {
            state.queues.iter_mut().for_each(|queue| queue.retain(|job| !job.is_abandoned()));
            if !self.has_room(&state, &job) {
                return Err(NotQueued::Full);
            }
        }
        state.queues[job.priority() as usize].push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// A free thread always takes a job, whatever the estimate says, which it may correct by that.
    fn has_room(&self, state: &State<T>, job: &T) -> bool {
        let priority = job.priority();
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

    /// Runs one job after the other on this thread, until the queue is closed. `run` returns how
    /// long the job took, if it was done. A job that panics is lost, and nothing else.
    pub(super) fn work(&self, mut run: impl FnMut(T) -> Option<Duration>) {
        let mut state = self.lock();
        while !state.closed {
            if let Some(job) = state.next() {
                state.running += 1;
                drop(state);
                // The panic is logged where it happens.
                let ran = catch_unwind(AssertUnwindSafe(|| run(job)));
                state = self.lock();
                state.running -= 1;
                if let Ok(Some(took)) = ran {
                    state.estimate.learn(took);
                }
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
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
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};
    use std::thread::{self, JoinHandle};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    struct Job {
        name: &'static str,
        priority: Priority,
        is_abandoned: Arc<AtomicBool>,
    }

    impl Queued for Job {
        fn is_abandoned(&self) -> bool {
            self.is_abandoned.load(Ordering::Relaxed)
        }

        fn priority(&self) -> Priority {
            self.priority
        }
    }

    fn job(name: &'static str) -> Job {
        Job { name, priority: Priority::Registration, is_abandoned: Arc::default() }
    }

    fn urgent(name: &'static str) -> Job {
        Job { priority: Priority::Activation, ..job(name) }
    }

    fn of_product(name: &'static str) -> Job {
        Job { priority: Priority::Product, ..job(name) }
    }

    fn queue(threads: usize, waiting: usize) -> Arc<Queue<Job>> {
        Arc::new(Queue::new(threads, waiting, Duration::from_secs(1)))
    }

    /// What the queue gives out from now on.
    fn rest(queue: &Queue<Job>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.lock().next()).map(|job| job.name).collect()
    }

    fn spawn_worker(
        queue: &Arc<Queue<Job>>,
        run: impl FnMut(Job) -> Option<Duration> + Send + 'static,
    ) -> JoinHandle<()> {
        let queue = queue.clone();
        thread::spawn(move || queue.work(run))
    }

    #[test]
    fn what_is_abandoned_makes_way_and_nothing_else() {
        let queue = queue(1, 1);
        let leaver = job("leaves");
        let has_left = leaver.is_abandoned.clone();
        queue.push(job("kept")).unwrap();
        queue.push(leaver).unwrap();
        assert_eq!(queue.waiting(), 2);
        assert_eq!(queue.push(job("refused")), Err(NotQueued::Full));
        has_left.store(true, Ordering::Relaxed);
        assert_eq!(queue.push(job("late")), Ok(()));
        assert_eq!(queue.push(job("later")), Err(NotQueued::Full));
        assert_eq!(rest(&queue), ["kept", "late"]);
    }

    #[test]
    fn urgent_jobs_go_first_in_their_order() {
        let queue = queue(1, 9);
        for job in [of_product("z"), job("a"), urgent("b"), job("c"), urgent("d")] {
            queue.push(job).unwrap();
        }
        assert_eq!(rest(&queue), ["b", "d", "a", "c", "z"]);
    }

    #[test]
    fn the_product_gets_a_quarter_of_the_waiting_places() {
        let queue = queue(2, 8);
        queue.lock().running = 2;
        for _ in 0..2 {
            queue.push(of_product("waits")).unwrap();
        }
        assert_eq!(queue.push(of_product("refused")), Err(NotQueued::Full));
        for _ in 0..6 {
            queue.push(job("registers")).unwrap();
        }
        assert_eq!(queue.push(job("refused")), Err(NotQueued::Full));
    }

    #[test]
    fn the_product_gets_a_free_thread_and_no_place_of_a_short_queue() {
        let queue = queue(2, 3);
        queue.lock().running = 1;
        queue.push(of_product("taken")).unwrap();
        assert_eq!(queue.push(of_product("refused")), Err(NotQueued::Full));
        queue.push(job("waits")).unwrap();
    }

    #[test]
    fn the_product_waits_for_everybody_and_nobody_for_it() {
        let queue = queue(1, 100);
        // Half a second is the limit.
        queue.lock().estimate.learn(Duration::from_millis(200));
        queue.lock().running = 1;
        for name in ["first", "second"] {
            queue.push(of_product(name)).unwrap();
        }
        assert_eq!(queue.push(of_product("too late")), Err(NotQueued::Full));
        for _ in 0..2 {
            queue.push(job("in time")).unwrap();
        }
        assert_eq!(rest(&queue), ["in time", "in time", "first", "second"]);
    }

    #[test]
    fn what_could_not_begin_in_time_is_refused_at_once() {
        let queue = queue(2, 100);
        queue.lock().estimate.learn(Duration::from_millis(400));
        queue.lock().running = 2;
        // Each job waits 200 ms longer than the one before, and half a second is the limit.
        for _ in 0..2 {
            queue.push(job("in time")).unwrap();
        }
        assert_eq!(queue.push(job("too late")), Err(NotQueued::Full));
        queue.push(urgent("ahead of the others")).unwrap();
        assert_eq!(queue.waiting(), 3);
    }

    #[test]
    fn a_free_thread_takes_a_job_whatever_is_expected() {
        let queue = queue(2, 100);
        queue.lock().estimate.learn(Duration::from_hours(1));
        queue.lock().running = 1;
        queue.push(job("taken")).unwrap();
        assert_eq!(queue.push(job("refused")), Err(NotQueued::Full));
    }

    #[test]
    fn a_job_that_panics_costs_no_thread() {
        let queue = queue(1, 2);
        let (done, is_done) = mpsc::channel();
        let worker = spawn_worker(&queue, move |job| {
            assert_ne!(job.name, "bad");
            done.send(job.name).unwrap();
            None
        });
        queue.push(job("bad")).unwrap();
        queue.push(job("good")).unwrap();
        assert_eq!(is_done.recv_timeout(PATIENCE), Ok("good"));
        queue.close();
        worker.join().unwrap();
        assert_eq!(queue.lock().running, 0);
    }

    #[test]
    fn a_running_job_takes_its_place_and_is_measured() {
        let queue = queue(1, 0);
        let (started, has_started) = mpsc::channel();
        let (finish, may_finish) = mpsc::channel();
        let worker = spawn_worker(&queue, move |job| {
            started.send(job.name).unwrap();
            may_finish.recv().unwrap();
            Some(Duration::from_millis(7))
        });
        queue.push(job("running")).unwrap();
        assert_eq!(has_started.recv_timeout(PATIENCE), Ok("running"));
        assert_eq!(queue.push(job("refused")), Err(NotQueued::Full));
        queue.close();
        finish.send(()).unwrap();
        worker.join().unwrap();
        assert_eq!(queue.lock().estimate.of(1, 1), Duration::from_millis(7));
        assert_eq!(queue.push(job("late")), Err(NotQueued::Closed));
    }

    #[test]
    fn closing_drops_what_waits_and_ends_idle_threads() {
        let queue = queue(2, 2);
        let waiting = job("dropped");
        let held = waiting.is_abandoned.clone();
        queue.push(waiting).unwrap();
        queue.close();
        assert_eq!(Arc::strong_count(&held), 1);
        let workers = [(); 2].map(|()| spawn_worker(&queue, |_| panic!("nothing is left to run")));
        for worker in workers {
            worker.join().unwrap();
        }
    }
}
