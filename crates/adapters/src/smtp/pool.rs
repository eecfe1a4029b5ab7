//! Connections that wait for the next mail.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::time::Instant;

/// How long a server may take to answer QUIT.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Pool {
    kept: Mutex<Vec<Kept>>,
    most: usize,
    idle_time: Duration,
}

struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Pool {
    pub(super) fn new(most: usize, idle_time: Duration) -> Self {
        Self { kept: Mutex::default(), most, idle_time }
    }

    /// The connection used last, so that surplus ones become idle; closes those idle for too long.
    pub(super) fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let too_old: Vec<Kept> =
            kept.extract_if(.., |kept| kept.since.elapsed() >= self.idle_time).collect();
        for kept in too_old {
            quit(kept.connection);
        }
        kept.pop().map(|kept| kept.connection)
    }

    /// Keeps a connection over which a mail has just been sent, or closes it if enough are kept.
    pub(super) fn give_back(&self, connection: AsyncSmtpConnection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(Kept { connection, since: Instant::now() });
        } else {
            quit(connection);
        }
    }
}

/// Sends QUIT in the background.
pub(super) fn quit(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        // Whether it answers makes no difference: the connection is closed either way.
        let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.quit()).await;
    });
}
