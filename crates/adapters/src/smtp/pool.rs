//! Connections that wait for the next mail.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::session::Session;

pub(super) struct Pool {
    kept: Mutex<Vec<Kept>>,
    most: usize,
    idle_time: Duration,
}

struct Kept {
    session: Session,
    since: Instant,
}

impl Pool {
    pub(super) fn new(most: usize, idle_time: Duration) -> Self {
        Self { kept: Mutex::default(), most, idle_time }
    }

    /// The connection used last, so that surplus ones become idle; closes those idle for too long.
    pub(super) fn take(&self) -> Option<Session> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let too_old: Vec<Kept> =
            kept.extract_if(.., |kept| kept.since.elapsed() >= self.idle_time).collect();
        for kept in too_old {
            kept.session.quit();
        }
        kept.pop().map(|kept| kept.session)
    }

    /// Keeps a connection over which a mail has just been sent, or closes it if enough are kept.
    pub(super) fn give_back(&self, session: Session) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(Kept { session, since: Instant::now() });
        } else {
            session.quit();
        }
    }
}
