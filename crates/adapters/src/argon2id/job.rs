//! One job for a hashing thread, with the channel back to its caller.

use std::time::{Duration, Instant};

use domain::ports::{HashError, Verification};
use domain::{Password, PasswordHash};
use tokio::sync::oneshot::Sender;

use super::hasher::Hasher;
use super::queue::{Done, Priority, Queued};

/// What to do, for whom, and the deadline for starting it.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) priority: Priority,
    pub(super) queued_at: Instant,
    pub(super) deadline: Duration,
}

/// What to do.
pub(super) enum Task {
    Hash {
        password: Password,
        reply: Sender<Result<PasswordHash, HashError>>,
    },
    Verify {
        password: Password,
        hash: Option<PasswordHash>,
        reply: Sender<Result<Verification, HashError>>,
    },
}

impl Queued for Job {
    fn is_abandoned(&self) -> bool {
        match &self.task {
            Task::Hash { reply, .. } => reply.is_closed(),
            Task::Verify { reply, .. } => reply.is_closed(),
        }
    }

    fn priority(&self) -> Priority {
        self.priority
    }
}

impl Job {
    /// Does the work, unless the deadline has passed or nobody is waiting.
    pub(super) fn run(self, hasher: &mut Hasher) -> Done {
        if self.is_abandoned() {
            return Done { took: None, answer: Box::new(|| ()) };
        }
        let too_late = self.queued_at.elapsed() > self.deadline;
        let overloaded = HashError::Overloaded { retry_after: self.deadline };
        let started = Instant::now();
        // The caller may go away meanwhile; then there is nobody to tell.
        let answer: Box<dyn FnOnce() + Send> = match self.task {
            Task::Hash { password, reply } => {
                let answer = if too_late { Err(overloaded) } else { hasher.hash(&password) };
                Box::new(|| drop(reply.send(answer)))
            }
            Task::Verify { password, hash, reply } => {
                let answer = if too_late {
                    Err(overloaded)
                } else {
                    hasher.verify(&password, hash.as_ref())
                };
                Box::new(|| drop(reply.send(answer)))
            }
        };
        Done { took: (!too_late).then(|| started.elapsed()), answer }
    }
}

#[cfg(test)]
mod tests {
    use argon2::Params;
    use tokio::sync::oneshot;

    use super::*;

    fn job(deadline: Duration) -> (Job, oneshot::Receiver<Result<PasswordHash, HashError>>) {
        let (reply, answer) = oneshot::channel();
        let password = Password::claimed("correct horse".into());
        let task = Task::Hash { password, reply };
        let priority = Priority::Registration;
        (Job { task, priority, queued_at: Instant::now(), deadline }, answer)
    }

    fn hasher() -> Hasher {
        Hasher::new(Params::new(8, 1, 1, Some(32)).unwrap()).unwrap()
    }

    #[test]
    fn a_job_is_done_and_answered() {
        let (job, mut answer) = job(Duration::from_mins(1));
        let mut hasher = hasher();
        let done = job.run(&mut hasher);
        assert!(done.took.is_some_and(|took| !took.is_zero()));
        answer.try_recv().unwrap_err();
        (done.answer)();
        assert!(answer.try_recv().unwrap().is_ok());
        assert!(hasher.has_worked());
    }

    #[test]
    fn no_work_is_done_for_a_caller_that_has_gone() {
        let (job, answer) = job(Duration::from_mins(1));
        drop(answer);
        assert!(job.is_abandoned());
        let mut hasher = hasher();
        assert_eq!(job.run(&mut hasher).took, None);
        assert!(!hasher.has_worked());
    }

    #[test]
    fn no_work_begins_after_the_deadline() {
        let (mut job, mut answer) = job(Duration::from_millis(20));
        job.queued_at -= Duration::from_millis(21);
        let mut hasher = hasher();
        let done = job.run(&mut hasher);
        assert_eq!(done.took, None);
        (done.answer)();
        let refusal = answer.try_recv().unwrap();
        assert!(
            matches!(refusal, Err(HashError::Overloaded { retry_after }) if !retry_after.is_zero())
        );
        assert!(!hasher.has_worked());
    }
}
