//! Four APIs share their limits: a limit of N admits exactly N, whichever of them are asked.

use std::sync::Arc;

use acceptance::http_client;
use faults::clock::Clock;
use faults::sink::Sink;
use faults::system::settings::common;
use serde_json::json;
use test_servers::ServerError;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::stage::Stage;
use crate::system::System;
use crate::verdict::Verdict;

const NAME: &str = "four-apis-limits";

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// A request: whose address is registered, and which client it comes from.
type Asked = (String, String);

/// What a limit is about, as many requests as are more than enough, and how many it admits.
struct Trial {
    what: &'static str,
    requests: Vec<Asked>,
    admitted: usize,
}

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let addresses = stage.addresses(NAME).await?;
    let sink = Sink::start(Clock::start()).await;
    let own = [
        ("http.trusted_proxies", "127.0.0.0/8"),
        ("limits.register_per_client", "20/1h"),
        ("limits.register_per_address", "5/1h"),
        ("limits.mails_per_mailbox", "7/1h"),
    ];
    let own = own.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let settings = [common(sink.port()), addresses.settings(), own].concat();
    let system = System::start(4, 0, &settings).await;
    let mut verdict = Verdict::default();
    for Trial { what, requests, admitted } in trials() {
        let asked = requests.len();
        let statuses = ask(&system.urls(), requests).await;
        let strange = statuses.iter().filter(|status| !matches!(status, 201 | 409 | 429)).count();
        let found = statuses.iter().filter(|status| **status != 429).count();
        verdict.note(format!("{found} of {asked} per {what}"));
        verdict.expect(strange == 0, format!("{what}: {strange} strange answers: {statuses:?}"));
        verdict
            .expect(found == admitted, format!("{what}: {found} instead of {admitted} admitted"));
    }
    Ok(verdict)
}

fn trials() -> Vec<Trial> {
    let many = |count: u16, asked: fn(u16) -> Asked| (0..count).map(asked).collect();
    vec![
        Trial {
            what: "address",
            requests: many(30, |i| ("one@example.org".to_owned(), format!("198.51.100.{i}"))),
            admitted: 5,
        },
        Trial {
            what: "client",
            requests: many(60, |i| (format!("client{i}@example.org"), "203.0.113.7".to_owned())),
            admitted: 20,
        },
        // Four times as many as a /64, which is one client.
        Trial {
            what: "IPv6 /56",
            requests: many(128, |i| {
                (format!("network{i}@example.org"), format!("2001:db8:0:{i:02x}::1"))
            }),
            admitted: 80,
        },
        Trial {
            what: "mailbox",
            requests: many(30, |i| (format!("box+{i}@example.org"), format!("192.0.2.{i}"))),
            admitted: 7,
        },
    ]
}

/// Registers over all APIs at once, and returns the status of each answer.
async fn ask(apis: &[String], requests: Vec<Asked>) -> Vec<u16> {
    let (http, places) = (http_client(), Arc::new(Semaphore::new(AT_ONCE)));
    let mut asking = JoinSet::new();
    for (index, (email, client)) in requests.into_iter().enumerate() {
        let url = format!("{}/api/v1/users/register", apis[index % apis.len()]);
        let body = json!({ "email": email, "password": "Correct horse 4711" });
        let request = http.post(url).header("x-forwarded-for", client).json(&body);
        let places = places.clone();
        asking.spawn(async move {
            let _place = places.acquire().await.unwrap();
            request.send().await.unwrap().status().as_u16()
        });
    }
    asking.join_all().await
}
