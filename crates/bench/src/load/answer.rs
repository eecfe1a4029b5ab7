//! What came of the requests.

use std::time::{Duration, Instant};

use crate::statistics::{number, percentile};

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Whom the request was about.
    pub user: u64,
    /// None: the connection broke.
    pub status: Option<u16>,
    /// When the request was sent.
    pub sent: Instant,
    /// When the whole answer was there.
    pub answered: Instant,
}

/// All answers of a load.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// One per request.
    pub all: Vec<Answer>,
    /// The processor time that the generator used for them.
    pub generator: Duration,
}

impl Answers {
    /// Those with this status.
    pub fn with(&self, status: u16) -> impl Iterator<Item = &Answer> {
        self.all.iter().filter(move |answer| answer.status == Some(status))
    }

    /// How many have this status.
    pub fn count(&self, status: u16) -> usize {
        self.with(status).count()
    }

    /// How long those with this status took, in order.
    pub fn times(&self, status: u16) -> Vec<Duration> {
        let mut times: Vec<_> =
            self.with(status).map(|answer| answer.answered - answer.sent).collect();
        times.sort_unstable();
        times
    }

    /// How long so many thousandths of those with this status took at most.
    pub fn percentile(&self, status: u16, per_mille: usize) -> Option<Duration> {
        percentile(&self.times(status), per_mille)
    }

    /// Answers with this status per second, from the first request of all to the last of them.
    pub fn rate(&self, status: u16) -> Option<f64> {
        let first = self.all.iter().map(|answer| answer.sent).min()?;
        let last = self.with(status).map(|answer| answer.answered).max()?;
        Some(number(self.count(status)) / (last - first).as_secs_f64())
    }

    /// How many there are of each status, for an error.
    pub fn statuses(&self) -> String {
        let mut statuses: Vec<_> = self.all.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        let groups = statuses.chunk_by(|one, other| one == other);
        let texts = groups.map(|group| match group[0] {
            Some(status) => format!("{} × {status}", group.len()),
            None => format!("{} without answer", group.len()),
        });
        texts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_by_their_status() {
        let sent = Instant::now();
        let answer = |status, milliseconds| Answer {
            user: 1,
            status,
            sent,
            answered: sent + Duration::from_millis(milliseconds),
        };
        let all =
            vec![answer(Some(201), 9), answer(Some(503), 1), answer(None, 2), answer(Some(201), 4)];
        let answers = Answers { all, ..Answers::default() };
        assert_eq!(answers.count(201), 2);
        assert_eq!(answers.rate(201).map(f64::round), Some(222.0));
        assert_eq!(answers.times(201), [4, 9].map(Duration::from_millis));
        assert_eq!(answers.percentile(503, 990), Some(Duration::from_millis(1)));
        assert_eq!(answers.percentile(404, 990), None);
        assert_eq!(answers.statuses(), "1 without answer, 2 × 201, 1 × 503");
    }
}
