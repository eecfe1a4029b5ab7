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
        tracing::info!(
            event = "shutdown.draining",
            "draining; a second signal ends the process at once"
        );
        drain.cancel();
    }
    signals.next().await;
    tracing::warn!(event = "shutdown.forced", "ended without draining");
    standard_error::flush();
    std::process::exit(130);
}
