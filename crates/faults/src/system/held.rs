//! A server that several tasks use, one at a time, by calls that block.

use std::sync::{Arc, Mutex};

use tokio::task::spawn_blocking;

/// A server. A clone is the same one.
pub struct Held<T>(Arc<Mutex<T>>);

impl<T: Send + 'static> Held<T> {
    /// Holds a server.
    pub fn new(server: T) -> Self {
        Self(Arc::new(Mutex::new(server)))
    }

    /// Does something with it, off the executor's threads.
    pub async fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> R {
        let server = self.0.clone();
        let done = spawn_blocking(move || work(&mut server.lock().unwrap())).await;
        done.expect("no panic with a server")
    }
}
