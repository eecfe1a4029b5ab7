//! Two-stage shutdown: the first signal drains, a second one ends the process at once.

use std::sync::Arc;

use supervisor::supervise;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::standard_error;

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Returns a token that is cancelled by the first SIGTERM or SIGINT. Fails only where the system
/// gives no signal handler. Must be called within a tokio runtime.
pub(crate) fn on_signal() -> std::io::Result<CancellationToken> {
    let signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    // Shared with the next run, should one panic: no signal is missed in between.
    let signals = Arc::new(Mutex::new(signals));
    let token = CancellationToken::new();
    let drain = token.clone();
    supervise("signals", move || handle(signals.clone(), drain.clone()));
    Ok(token)
}

async fn handle(signals: Arc<Mutex<Signals>>, drain: CancellationToken) {
    let mut signals = signals.lock().await;
    if !drain.is_cancelled() {
        signals.next().await;
        // First: a signal must not be lost with a log line that panics.
        drain.cancel();
        tracing::info!(
            event = "shutdown.draining",
            "draining; a second signal ends the process at once"
        );
    }
    signals.next().await;
    tracing::warn!(event = "shutdown.forced", "ended without draining");
    standard_error::flush();
    std::process::exit(130);
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};
    use test_support::{PanickingLog, run_again, soon};

    use super::*;

    const IN_A_PROCESS_OF_ITS_OWN: &str = "SIGNALS_IN_A_PROCESS_OF_THEIR_OWN";

    #[tokio::test]
    async fn receives_two_signals() {
        if std::env::var_os(IN_A_PROCESS_OF_ITS_OWN).is_none() {
            return;
        }
        let log = PanickingLog::at("shutdown.draining");
        let shutdown = on_signal().unwrap();
        kill_process(getpid(), Signal::TERM).unwrap();
        soon("the drain", shutdown.cancelled()).await;
        assert_eq!(log.panics(), 1);
        kill_process(getpid(), Signal::TERM).unwrap();
        soon("the end of this process", std::future::pending::<()>()).await;
    }

    #[test]
    fn a_signal_task_that_panics_misses_no_signal() {
        let mut receiver = run_again("shutdown::tests::receives_two_signals");
        let output = receiver.env(IN_A_PROCESS_OF_ITS_OWN, "").output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
