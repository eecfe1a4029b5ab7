//! Hostile clients: slow ones, too many of them, ambiguous requests, and pages of other sites
//! (OWASP ASVS 3.4, 3.5, 4.1, 4.2, 13.1.3, 15.2.2).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::{join, join_all};
use reqwest::Method;

use acceptance::{Account, Client, Journey, Secrets, Setup, journeys};
use test_support::free_port;

const HEAD: &str =
    "POST /api/v1/users/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
const ORIGIN: &str = "https://app.example.com";

/// The time between two bytes of a slow client: far less than any timeout.
const BYTE_INTERVAL: Duration = Duration::from_millis(150);

/// Far longer than a request takes that nothing slows down.
fn impatient() -> Setup {
    Setup::own()
        .with("http.header_timeout", "6s")
        .with("http.body_timeout", "6s")
        .with("http.keep_alive", "2s")
}

/// Long enough for other requests in between, even on a machine that stalls.
fn less_impatient() -> Setup {
    impatient().with("http.header_timeout", "15s").with("http.body_timeout", "15s")
}

/// Three connections, which are kept as long as their clients like.
fn three_connections() -> Setup {
    let setup = Setup::own().with("http.max_connections", "3").with("http.workers", "1");
    setup.with("http.keep_alive", "600s")
}

journeys!(both {
    asvs_15_2_2_slow_clients_are_cut_and_hold_up_nobody: less_impatient(), [];
    asvs_15_2_2_a_slow_second_request_is_cut_too: impatient(), [];
    asvs_13_1_3_there_are_only_so_many_connections: three_connections(), [];
    asvs_4_2_1_ambiguous_requests_are_refused_and_nothing_is_smuggled: Setup::own(), [];
    asvs_3_4_pages_and_answers_carry_security_headers: Setup::ordinary(), [];
    asvs_14_3_2_answers_are_not_stored: Setup::ordinary(), [];
    asvs_3_5_pages_of_other_origins_are_kept_out: Setup::ordinary(), [];
    asvs_3_5_a_configured_origin_is_let_in_alone: Setup::own().with("http.cors_origins", ORIGIN), [];
});

async fn asvs_15_2_2_slow_clients_are_cut_and_hold_up_nobody(journey: &Journey) {
    let mut slow = Vec::new();
    for number in 0..SLOW_CLIENTS {
        let mut connection = journey.system.open_connection().await;
        connection.send(slow_start(number)).await;
        slow.push(connection);
    }
    let cut = AtomicUsize::new(0);
    let slow = slow.into_iter().map(async |connection| {
        let answer = connection.drip(b"a", BYTE_INTERVAL).await;
        cut.fetch_add(1, Ordering::Relaxed);
        answer
    });
    let (answers, ()) = join(join_all(slow), async {
        for _ in 0..20 {
            journey.api.get("/health/live").await.expect_status(200);
        }
        let cut = cut.load(Ordering::Relaxed);
        assert!(cut < SLOW_CLIENTS, "others were served only after every slow client was cut");
    })
    .await;
    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

const SLOW_CLIENTS: usize = 20;

/// Half of them are slow in the head of a request, half in its body.
fn slow_start(number: usize) -> String {
    match number % 2 {
        0 => "GET /health/live HTTP/1.1\r\nX-Slow: ".to_owned(),
        _ => format!("{HEAD}Content-Length: 10000\r\n\r\n{{\"email\":\""),
    }
}

/// The first request of a connection was in time; that does not excuse the next one.
async fn asvs_15_2_2_a_slow_second_request_is_cut_too(journey: &Journey) {
    join_all((0..2).map(async |number| {
        let mut connection = journey.system.open_connection().await;
        connection.send(LIVE).await;
        let first = connection.answer().await;
        assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
        connection.send(slow_start(number)).await;
        let answer = connection.drip(b"a", BYTE_INTERVAL).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }))
    .await;
}

async fn asvs_13_1_3_there_are_only_so_many_connections(journey: &Journey) {
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut connection = journey.system.open_connection().await;
        connection.send(LIVE).await;
        held.push(connection);
    }
    // The client that waited until the system was ready may hold one of the three, but not for
    // long.
    for connection in &mut held {
        let answer = connection.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let mut one_too_many = journey.system.open_connection().await;
    one_too_many.send(LIVE).await;
    assert_eq!(one_too_many.answer_within(Duration::from_secs(1)).await, None);
    drop(held);
    let answer = one_too_many.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

async fn asvs_4_2_1_ambiguous_requests_are_refused_and_nothing_is_smuggled(journey: &Journey) {
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let length = smuggled.len();
    let endings = [
        // RFC 9112 section 6.1 and 6.3: a length that two readers may read differently.
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n"),
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n"),
        format!("Content-Length: {length}, {length}\r\n\r\n"),
        format!("Content-Length: +{length}\r\n\r\n"),
        "Content-Length: -1\r\n\r\n".to_owned(),
        "Content-Length: 0x10\r\n\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n".to_owned(),
        // RFC 9112 section 5: folded lines, space before the colon, control characters.
        format!("X-Folded: a\r\n Content-Length: {length}\r\n\r\n"),
        format!("X-Folded: a\r\n\tb\r\nContent-Length: {length}\r\n\r\n"),
        format!("Content-Length : {length}\r\n\r\n"),
        "X-Control: a\rb\r\n\r\n".to_owned(),
        "X-Control: a\0b\r\n\r\n".to_owned(),
        ": nameless\r\n\r\n".to_owned(),
    ];
    for ending in endings {
        let mut connection = journey.system.open_connection().await;
        connection.send(format!("{HEAD}{ending}{smuggled}")).await;
        let answer = connection.read_to_close().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{ending:?} got {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{ending:?} got {answer}");
    }
    journey.api.get("/health/live").await.expect_status(200);
}

async fn asvs_3_4_pages_and_answers_carry_security_headers(journey: &Journey) {
    for path in ["/docs", "/docs/problems", "/docs/start.js", "/api/v1/openapi.json", "/nowhere"] {
        let reply = journey.api.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(
            !policy.contains("script-src 'self' 'unsafe") && !policy.contains('*'),
            "{path}: {policy}"
        );
        assert!(!reply.headers.contains_key("server"), "{path}: {reply:?}");
    }
}

async fn asvs_14_3_2_answers_are_not_stored(journey: &Journey) {
    let api = &journey.api;
    let (account, unknown) = (Account::new(), Account::new());
    let registered = api.register(&account).await;
    journey.mailbox.first(&account.email).await;
    let resent = api.resend(&account).await;
    let mail = journey.mailbox.expect(&account.email, 2).await.swap_remove(1);
    let mut replies = vec![
        (201, registered),
        (200, resent),
        (200, api.activate(&account, &mail.code()).await),
        (409, api.register(&account).await),
        (409, api.activate(&account, &mail.code()).await),
        (409, api.resend(&account).await),
        (401, api.activate(&unknown, "0000").await),
        (401, api.resend(&unknown).await),
        (422, api.register(&account.with_password("short")).await),
    ];
    for operation in ["register", "activate", "resend-code"] {
        replies.push((405, api.get(&format!("/api/v1/users/{operation}")).await));
    }
    for (status, reply) in replies {
        reply.expect_status(status);
        assert_eq!(reply.header("cache-control"), "no-store", "{reply:?}");
    }
}

fn preflight(journey: &Journey, origin: &str) -> reqwest::RequestBuilder {
    journey
        .api
        .request(Method::OPTIONS, "/api/v1/users/activate")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

fn cross_origin(journey: &Journey, origin: &str) -> reqwest::RequestBuilder {
    journey.api.post("/api/v1/users/register", "{}").header("origin", origin)
}

async fn asvs_3_5_pages_of_other_origins_are_kept_out(journey: &Journey) {
    for request in
        [preflight(journey, ORIGIN), cross_origin(journey, ORIGIN), cross_origin(journey, "null")]
    {
        let reply = journey.api.send(request).await;
        let cors = reply.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(cors, None, "{reply:?}");
    }
    journey.api.send(preflight(journey, ORIGIN)).await.expect_problem(405, "method-not-allowed");
}

async fn asvs_3_5_a_configured_origin_is_let_in_alone(journey: &Journey) {
    let allowed = journey.api.send(preflight(journey, ORIGIN)).await;
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(allowed.header("access-control-allow-origin"), ORIGIN);
    assert!(allowed.header("access-control-allow-methods").contains("POST"), "{allowed:?}");
    assert!(
        allowed.header("access-control-allow-headers").to_lowercase().contains("authorization")
    );
    assert_eq!(allowed.header("access-control-allow-credentials"), "", "there are no cookies");
    let reply = journey.api.send(cross_origin(journey, ORIGIN)).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (422, ORIGIN));
    let strangers = [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "null",
    ];
    for stranger in strangers {
        for request in [preflight(journey, stranger), cross_origin(journey, stranger)] {
            let reply = journey.api.send(request).await;
            assert_eq!(reply.header("access-control-allow-origin"), "", "{stranger}: {reply:?}");
        }
    }
}

/// The standalone system's own inbox.
pub(crate) mod inbox {
    use super::*;

    fn with_inbox() -> Setup {
        let [page, smtp] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let setup = Setup::own().with("smtp.host", "");
        setup.with("standalone.inbox_listen", &page).with("standalone.inbox_smtp_listen", &smtp)
    }

    journeys!(standalone {
        asvs_3_4_the_inbox_is_closed_to_other_pages: with_inbox(), [];
    });

    async fn asvs_3_4_the_inbox_is_closed_to_other_pages(journey: &Journey) {
        let lines = journey.system.api().logs().lines();
        let place = lines
            .iter()
            .find_map(|line| line.trim().strip_prefix("Inbox "))
            .expect("the inbox's place");
        let base = place.split_whitespace().next().unwrap();
        let inbox = Client::new(base, Secrets::default());
        for path in ["/", "/app.js", "/api/v1/messages"] {
            let reply = inbox.get(path).await;
            reply.expect_status(200);
            let policy = reply.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
            assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
            assert_eq!(reply.header("referrer-policy"), "no-referrer");
            assert_eq!(reply.header("access-control-allow-origin"), "");
        }
        // A name that leads here by somebody else's DNS (rebinding).
        let forged = inbox.request(Method::GET, "/api/v1/messages").header("host", "evil.example");
        inbox.send(forged).await.expect_status(421);
    }
}
