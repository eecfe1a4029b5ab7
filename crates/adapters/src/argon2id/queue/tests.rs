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
    run: impl FnMut(Job) -> Done + Send + 'static,
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
    assert!(!queue.takes(Priority::Registration));
    assert_eq!(queue.push(job("refused")), Err(NotQueued::Full));
    has_left.store(true, Ordering::Relaxed);
    assert!(queue.takes(Priority::Registration));
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
        Done { took: None, answer: Box::new(|| ()) }
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
        Done { took: Some(Duration::from_millis(7)), answer: Box::new(|| ()) }
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
fn answers_go_out_together_once_fewer_wait_than_there_are_threads() {
    let queue = queue(1, 9);
    queue.lock().answers = HeldBack::for_at_most(Duration::MAX);
    let (said, saying) = mpsc::channel();
    for name in ["a", "b", "c"] {
        queue.push(job(name)).unwrap();
    }
    let worker = spawn_worker(&queue, move |job| {
        said.send(("done", job.name)).unwrap();
        let said = said.clone();
        let answer = Box::new(move || said.send(("answered", job.name)).unwrap());
        Done { took: None, answer }
    });
    let done = ["a", "b", "c"].map(|name| ("done", name));
    let answered = ["a", "b", "c"].map(|name| ("answered", name));
    let all = [0; 6].map(|_| saying.recv_timeout(PATIENCE).unwrap());
    assert_eq!(all, [done, answered].concat()[..]);
    queue.close();
    worker.join().unwrap();
}

#[test]
fn what_ends_after_the_queue_is_closed_is_answered() {
    let queue = queue(1, 9);
    let (answered, is_answered) = mpsc::channel();
    queue.push(job("running")).unwrap();
    queue.push(job("waiting")).unwrap();
    let closing = queue.clone();
    let worker = spawn_worker(&queue, move |job| {
        closing.close();
        let answered = answered.clone();
        let answer = Box::new(move || answered.send(job.name).unwrap());
        Done { took: None, answer }
    });
    worker.join().unwrap();
    assert_eq!(is_answered.try_iter().collect::<Vec<_>>(), ["running"]);
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
