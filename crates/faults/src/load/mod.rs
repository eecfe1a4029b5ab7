//! A steady load: one client after the other, each with an account of its own and a story, so that
//! its transcript tells what must be true of it.

mod client;
mod stories;
mod surroundings;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::evidence::{History, Story};

use client::Client;
pub use surroundings::Surroundings;

/// The clients of a run.
pub struct Load {
    surroundings: Surroundings,
    http: reqwest::Client,
    stories: Mutex<JoinSet<()>>,
    clients: Mutex<Vec<Arc<Client>>>,
}

impl Load {
    /// Without clients yet.
    pub fn new(surroundings: Surroundings) -> Self {
        let http = acceptance::http_client();
        Self { surroundings, http, stories: Mutex::default(), clients: Mutex::default() }
    }

    /// Lets so many clients come each second, until this future is dropped.
    pub async fn keep_coming(&self, per_second: u32) -> Infallible {
        let mut ticks = interval(Duration::from_secs(1) / per_second);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.add_client();
        }
    }

    fn add_client(&self) {
        let mut clients = self.clients.lock().unwrap();
        let number = clients.len();
        let client = Client::new(number, story(number), self.surroundings.clone(), &self.http);
        let client = Arc::new(client);
        clients.push(client.clone());
        self.stories.lock().unwrap().spawn(async move { client.live().await });
    }

    /// How many clients have reached the end of their stories.
    pub fn finished(&self) -> usize {
        self.clients.lock().unwrap().iter().filter(|client| client.is_done()).count()
    }

    /// Waits until the story of each client has ended; those that last longer are cut short, and the
    /// ledger tells.
    pub async fn finish(&self, limit: Duration) {
        let mut stories = std::mem::take(&mut *self.stories.lock().unwrap());
        let ended = async {
            while let Some(ended) = stories.join_next().await {
                ended.expect("a story without a panic");
            }
        };
        // Clients that wait in vain wait for what was lost.
        let _ = timeout(limit, ended).await;
    }

    /// Asks each account that was active whether it is so still.
    pub async fn check_active(&self) {
        let clients = self.clients.lock().unwrap().clone();
        for client in clients {
            client.check_active().await;
        }
    }

    /// What all clients have asked and been told.
    pub fn histories(&self) -> Vec<History> {
        self.clients.lock().unwrap().iter().map(|client| client.history()).collect()
    }
}

/// Of twenty clients most just register; one tries out codes until it may not any more.
fn story(number: usize) -> Story {
    match number % 20 {
        3 | 9 | 13 => Story::Resends,
        5 | 15 => Story::Guesses,
        7 | 17 => Story::Exhausts,
        11 => Story::ExhaustsAddress,
        _ => Story::Activates,
    }
}
