//! Two-stage shutdown: the first signal drains, a second one ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns a token that is cancelled by the first SIGTERM or SIGINT. Fails only where the system
/// gives no signal handler. Must be called within a tokio runtime.
pub(crate) fn on_signal() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let drain = token.clone();
    tokio::spawn(async move {
        wait_for_signal(&mut terminate, &mut interrupt).await;
        tracing::info!(event = "shutdown.draining", "draining; a second signal ends the process at once");
        drain.cancel();
        wait_for_signal(&mut terminate, &mut interrupt).await;
        tracing::warn!(event = "shutdown.forced", "ended without draining");
        std::process::exit(130);
    });
    Ok(token)
}

async fn wait_for_signal(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
