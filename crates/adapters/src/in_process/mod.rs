//! in_process.

mod event_bus;

pub use event_bus::InProcessEventBus;
