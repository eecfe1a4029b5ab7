//! What the programs that break a system have in common: how they end before their time.

use std::panic::PanicHookInfo;
use std::time::Duration;

use test_servers::Interrupt;
use tokio::time::sleep;

/// How often somebody looks whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(100);

/// Has each panic from now on told in one sentence that begins with the name of the program.
pub fn tell_panics(name: &'static str) {
    std::panic::set_hook(Box::new(move |panic| eprintln!("{name}: {}", message(panic))));
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let text = panic.payload_as_str().unwrap_or("something unexpected happened");
    panic.location().map_or(text.to_owned(), |location| format!("{text} ({location})"))
}

/// Returns once somebody has asked to stop.
pub async fn interrupted(interrupt: &Interrupt) {
    while interrupt.check().is_ok() {
        sleep(LOOK).await;
    }
}
