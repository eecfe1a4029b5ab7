//! Answers that are held back while others wait for a thread, so that several go out together: what
//! follows a hash, down to the mail, costs a fraction if it is done for several at once, and leaves
//! the processor's cache to the hashes in between. Where nobody waits, nothing is held back.

use std::time::{Duration, Instant};

/// For how long. Whoever is concerned has waited for a thread before, mostly for longer than that.
pub(super) const LONGEST: Duration = Duration::from_millis(75);

/// How many at most.
const MOST: usize = 32;

/// Tells the one who waits for a job.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// The answers to the jobs that have ended.
pub(super) struct HeldBack {
    longest: Duration,
    answers: Vec<Answer>,
    since: Instant,
}

/// What is going on in the queue.
pub(super) struct Situation {
    /// Whether so many jobs wait that no thread will be idle before those who are answered now come
    /// back with the next.
    pub(super) is_busy: bool,
    /// When the next answer is expected.
    pub(super) next_in: Duration,
}

impl HeldBack {
    pub(super) fn for_at_most(longest: Duration) -> Self {
        Self { longest, answers: Vec::new(), since: Instant::now() }
    }

    pub(super) fn push(&mut self, answer: Answer) {
        if self.answers.is_empty() {
            self.since = Instant::now();
        }
        self.answers.push(answer);
    }

    /// Those that must go out now: all or none.
    pub(super) fn due(&mut self, now: &Situation) -> Vec<Answer> {
        let would_be_late = self.since.elapsed() + now.next_in > self.longest;
        if now.is_busy && !would_be_late && self.answers.len() < MOST {
            return Vec::new();
        }
        std::mem::take(&mut self.answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Situation = Situation { is_busy: true, next_in: Duration::from_millis(6) };

    fn with_one() -> HeldBack {
        let mut held = HeldBack::for_at_most(LONGEST);
        held.push(Box::new(|| ()));
        held
    }

    #[test]
    fn nothing_is_held_back_while_nobody_waits() {
        let idle = Situation { is_busy: false, ..BUSY };
        assert_eq!(with_one().due(&idle).len(), 1);
    }

    #[test]
    fn those_who_are_answered_while_others_wait_are_answered_together() {
        let mut held = HeldBack { longest: Duration::MAX, ..with_one() };
        for _ in 1..MOST {
            assert_eq!(held.due(&BUSY).len(), 0);
            held.push(Box::new(|| ()));
        }
        assert_eq!(held.due(&BUSY).len(), MOST);
        assert_eq!(held.due(&BUSY).len(), 0);
    }

    #[test]
    fn nobody_waits_for_an_answer_that_would_come_too_late() {
        let slow = Situation { next_in: LONGEST * 2, ..BUSY };
        assert_eq!(with_one().due(&slow).len(), 1);
        let mut held = with_one();
        held.since -= LONGEST;
        assert_eq!(held.due(&BUSY).len(), 1);
        held.push(Box::new(|| ()));
        assert_eq!(held.due(&BUSY).len(), 0, "the time begins anew");
    }
}
