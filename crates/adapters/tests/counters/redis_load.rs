//! Load that shows what became of each command: one is spent of a budget of its own, once, so that
//! a command that was carried out twice leaves two.

use std::time::Duration;

use adapters::redis::{Connection, RedisBudget};
use domain::ErrorChain;
use domain::ports::{Allowance, Budget, BudgetKey, BudgetKind, Spending};
use test_support::{eventually_within, unique_name};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::RECOVERY_TIMEOUT;

/// How many commands are under way at once.
const SENDERS: usize = 12;

/// Spends until it is stopped.
pub(crate) struct Load {
    connection: Connection,
    prefix: String,
    done: watch::Sender<Vec<Spent>>,
    stop: watch::Sender<bool>,
    senders: JoinSet<()>,
}

/// One command and what its sender was told.
#[derive(Clone)]
pub(crate) struct Spent {
    subject: String,
    /// What went wrong, if anything.
    pub(crate) error: Option<String>,
}

/// What became of the commands of a load.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) answered: usize,
    pub(crate) refused: Vec<String>,
    /// Not answered, and carried out all the same.
    pub(crate) unanswered: usize,
    /// Answered, but not there any more.
    pub(crate) lost: usize,
    pub(crate) repeated: usize,
}

impl Load {
    pub(crate) fn start(connection: &Connection, prefix: &str) -> Self {
        let (done, stop) = (watch::Sender::default(), watch::Sender::new(false));
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            let budget = RedisBudget::new(connection.clone(), prefix);
            senders.spawn(spend(budget, done.clone(), stop.subscribe()));
        }
        let (connection, prefix) = (connection.clone(), prefix.to_owned());
        Self { connection, prefix, done, stop, senders }
    }

    /// Waits until as many more commands have been answered.
    pub(crate) async fn answers(&self, count: usize) {
        let answered =
            |done: &Vec<Spent>| done.iter().filter(|spent| spent.error.is_none()).count();
        let mut done = self.done.subscribe();
        let goal = answered(&done.borrow()) + count;
        let reached = done.wait_for(|done| answered(done) >= goal);
        test_support::soon_within(RECOVERY_TIMEOUT, "more answers", reached).await.unwrap();
    }

    /// Stops, and looks at what there is.
    pub(crate) async fn stop(mut self) -> Outcome {
        self.stop.send_replace(true);
        while let Some(sender) = self.senders.join_next().await {
            sender.unwrap();
        }
        let budget = RedisBudget::new(self.connection, &self.prefix);
        let mut outcome = Outcome::default();
        for spent in self.done.borrow().clone() {
            let count = count(&budget, &spent.subject).await;
            outcome.repeated += usize::from(count > 1);
            if let Some(error) = spent.error {
                outcome.refused.push(error);
                outcome.unanswered += usize::from(count > 0);
            } else {
                outcome.answered += 1;
                outcome.lost += usize::from(count == 0);
            }
        }
        outcome
    }
}

async fn spend(budget: RedisBudget, done: watch::Sender<Vec<Spent>>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let subject = unique_name();
        let answer = try_to_spend(&budget, &subject, 10).await;
        let error = answer.err();
        // What fails at once fails often.
        let pause = Duration::from_millis(if error.is_some() { 100 } else { 3 });
        done.send_modify(|done| done.push(Spent { subject, error }));
        tokio::time::sleep(pause).await;
    }
}

/// Spends one if fewer than `amount` have been spent; otherwise returns false.
async fn try_to_spend(budget: &RedisBudget, subject: &str, amount: u32) -> Result<bool, String> {
    let key = BudgetKey { kind: BudgetKind::Guesses, subject: subject.to_owned() };
    let allowances = [Allowance { amount, period: Duration::from_hours(1) }];
    let spending = budget.spend(&key, &allowances).await;
    let spending = spending.map_err(|error| ErrorChain(&error).to_string())?;
    Ok(spending == Spending::Allowed)
}

/// How many have been spent: 0, 1, or 2 for more.
async fn count(budget: &RedisBudget, subject: &str) -> usize {
    for (count, amount) in [(0, 1), (1, 2)] {
        let attempt = async || try_to_spend(budget, subject, amount).await.ok();
        if eventually_within(RECOVERY_TIMEOUT, "the budget to be read", attempt).await {
            return count;
        }
    }
    2
}
