//! One statement for many. What is asked while statements are under way, and for a moment in a busy
//! process, is gathered for the next one, so that such a process sends the database a fraction of
//! the statements.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;

use super::database::Failure;

/// How many questions one statement answers at most.
const LARGEST: usize = 100;

/// How long a process counts as busy after a statement that answered several questions.
const BUSY: Duration = Duration::from_millis(100);

type Statement<Q, A> =
    Box<dyn Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, Failure>> + Send + Sync>;

/// When statements are sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How many may be under way.
    pub(super) at_once: usize,
    /// How long questions are gathered before each.
    pub(super) pause: Pause,
}

/// How long questions are gathered before a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pause {
    /// For this long, but only while the process is busy, since someone waits for the answer.
    WhileBusy(Duration),
    /// Always for this long, since nobody waits.
    Always(Duration),
}

/// For statements whose answer someone waits for.
pub(super) const BRIEFLY: Pause = Pause::WhileBusy(Duration::from_millis(1));

/// Gathers the questions of one kind.
pub(super) struct Gathering<Q, A> {
    pace: Pace,
    statement: Statement<Q, A>,
    state: Mutex<State<Q, A>>,
}

struct State<Q, A> {
    waiting: VecDeque<(Q, Reply<A>)>,
    under_way: usize,
    busy_until: Instant,
}

type Reply<A> = oneshot::Sender<Result<A, Arc<Failure>>>;

impl<Q: Send + 'static, A: Send + 'static> Gathering<Q, A> {
    /// `statement` answers questions in their order.
    pub(super) fn new(
        pace: Pace,
        statement: impl Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, Failure>>
        + Send
        + Sync
        + 'static,
    ) -> Arc<Self> {
        let state = State { waiting: VecDeque::new(), under_way: 0, busy_until: Instant::now() };
        Arc::new(Self { pace, statement: Box::new(statement), state: Mutex::new(state) })
    }

    /// Asks, together with others. Their failure is shared. Goes on if the caller goes away.
    pub(super) async fn ask(self: &Arc<Self>, question: Q) -> Result<A, Arc<Failure>> {
        let (reply, answer) = oneshot::channel();
        self.push(question, reply);
        answer.await.unwrap_or_else(|_| Err(Arc::new(Failure::Unanswered)))
    }

    fn push(self: &Arc<Self>, question: Q, reply: Reply<A>) {
        let mut state = self.lock();
        state.waiting.push_back((question, reply));
        if state.under_way < self.pace.at_once {
            state.under_way += 1;
            tokio::spawn(self.clone().answer_all().in_current_span());
        }
    }

    /// Runs one statement after the other until nobody waits.
    async fn answer_all(self: Arc<Self>) {
        while let Some((questions, replies)) = self.next().await {
            // Whoever asks next must not wait for a statement that has ended by a panic.
            let answers = AssertUnwindSafe(async { (self.statement)(questions).await });
            match answers.catch_unwind().await.unwrap_or(Err(Failure::Unanswered)) {
                Ok(answers) => {
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        // Fails if the caller has gone away.
                        let _ = reply.send(Ok(answer));
                    }
                }
                Err(failure) => {
                    let failure = Arc::new(failure);
                    for reply in replies {
                        let _ = reply.send(Err(failure.clone()));
                    }
                }
            }
        }
    }

    /// Who is answered next. If nobody waits, that is the end of it.
    async fn next(&self) -> Option<(Vec<Q>, Vec<Reply<A>>)> {
        if let Some(pause) = self.pause() {
            tokio::time::sleep(pause).await;
        }
        let mut state = self.lock();
        let count = state.waiting.len().min(LARGEST);
        if count == 0 {
            state.under_way -= 1;
            return None;
        }
        if count > 1 {
            state.busy_until = Instant::now() + BUSY;
        }
        Some(state.waiting.drain(..count).unzip())
    }

    fn pause(&self) -> Option<Duration> {
        match self.pace.pause {
            Pause::Always(pause) => Some(pause),
            Pause::WhileBusy(pause) => (Instant::now() < self.lock().busy_until).then_some(pause),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<Q, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// Answers with the double of each number, once it is allowed to.
    struct Doubling {
        gathering: Arc<Gathering<u32, u32>>,
        asked: Arc<Mutex<Vec<Vec<u32>>>>,
        allowed: Arc<Semaphore>,
    }

    impl Doubling {
        fn new() -> Self {
            Self::at_pace(Pause::WhileBusy(Duration::ZERO))
        }

        fn at_pace(pause: Pause) -> Self {
            let (asked, allowed) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(Semaphore::new(0)));
            let (log, gate) = (asked.clone(), allowed.clone());
            let pace = Pace { at_once: 2, pause };
            let gathering = Gathering::new(pace, move |numbers: Vec<u32>| {
                log.lock().unwrap().push(numbers.clone());
                let gate = gate.clone();
                async move {
                    gate.acquire().await.unwrap().forget();
                    assert!(!numbers.contains(&13), "unlucky");
                    if numbers.contains(&99) {
                        return Err(Failure::Exhausted);
                    }
                    Ok(numbers.iter().map(|number| number * 2).collect())
                }
                .boxed()
            });
            Self { gathering, asked, allowed }
        }

        async fn ask(&self, numbers: impl IntoIterator<Item = u32>) -> Vec<Option<u32>> {
            let asking = numbers.into_iter().map(|number| self.gathering.ask(number));
            join_all(asking).await.into_iter().map(Result::ok).collect()
        }

        async fn until_asked(&self, statements: usize) {
            while self.asked().len() < statements {
                tokio::task::yield_now().await;
            }
        }

        fn asked(&self) -> Vec<Vec<u32>> {
            self.asked.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_is_asked_meanwhile_is_asked_together() {
        let doubling = Doubling::new();
        doubling.allowed.add_permits(1);
        assert_eq!(doubling.ask([1]).await, [Some(2)]);
        let second = async {
            doubling.until_asked(2).await;
            doubling.ask([3]).await
        };
        let rest = async {
            doubling.until_asked(3).await;
            doubling.ask(4..8).await
        };
        let release = async {
            doubling.until_asked(3).await;
            doubling.allowed.add_permits(9);
        };
        let (first, second, rest, ()) = tokio::join!(doubling.ask([2]), second, rest, release);
        assert_eq!((first, second), (vec![Some(4)], vec![Some(6)]));
        assert_eq!(rest, [8, 10, 12, 14].map(Some));
        assert_eq!(doubling.asked(), [vec![1], vec![2], vec![3], vec![4, 5, 6, 7]]);
    }

    #[tokio::test]
    async fn a_failure_is_shared_and_the_next_are_answered() {
        let doubling = Doubling::new();
        doubling.allowed.add_permits(100);
        for bad in [99, 13] {
            assert_eq!(doubling.ask([bad]).await, [None]);
            assert_eq!(doubling.ask([1]).await, [Some(2)]);
        }
        assert_eq!(doubling.gathering.lock().under_way, 0);
    }

    #[tokio::test]
    async fn a_statement_has_its_limit() {
        let doubling = Doubling::new();
        doubling.allowed.add_permits(100);
        let answers = doubling.ask(200..500).await;
        assert_eq!(answers, (200..500).map(|number| Some(number * 2)).collect::<Vec<_>>());
        assert!(doubling.asked().iter().all(|numbers| numbers.len() <= LARGEST));
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_process_gathers_and_an_idle_one_does_not() {
        let doubling = Doubling::at_pace(Pause::WhileBusy(Duration::from_millis(1)));
        doubling.allowed.add_permits(100);
        let begin = Instant::now();
        assert_eq!(doubling.ask([1]).await, [Some(2)]);
        assert_eq!(begin.elapsed(), Duration::ZERO);
        doubling.ask([2, 3, 4]).await;
        let begin = Instant::now();
        assert_eq!(doubling.ask([5, 6]).await, [Some(10), Some(12)]);
        assert_eq!(begin.elapsed(), Duration::from_millis(1));
        assert_eq!(doubling.asked().last(), Some(&vec![5, 6]));
        tokio::time::sleep(BUSY).await;
        let begin = Instant::now();
        assert_eq!(doubling.ask([7]).await, [Some(14)]);
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_is_gathered_first() {
        let doubling = Doubling::at_pace(Pause::Always(Duration::from_millis(5)));
        doubling.allowed.add_permits(100);
        let later = async {
            tokio::time::sleep(Duration::from_millis(3)).await;
            doubling.ask([3]).await
        };
        assert_eq!(tokio::join!(doubling.ask([1, 2]), later).0, [Some(2), Some(4)]);
        assert_eq!(doubling.asked(), [vec![1, 2, 3]]);
    }
}
