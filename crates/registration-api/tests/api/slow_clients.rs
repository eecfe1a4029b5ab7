use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{EMAIL, PASSWORD, TestApp, World, options, server_options, soon};

async fn send_registration(app: &TestApp) -> TcpStream {
    let body = format!("{{\"email\":\"{EMAIL}\",\"password\":\"{PASSWORD}\"}}");
    let head = "POST /api/v1/users/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_client_has_gone_is_not_hashed() {
    let app = TestApp::start();
    let hasher = app.world.hasher.clone();
    hasher.turns.forget_permits(usize::MAX);
    let stream = send_registration(&app).await;
    soon(hasher.waiting.notified()).await;
    drop(stream);
    soon(hasher.given_up.notified()).await;
    hasher.turns.add_permits(1_000);
    // The server is well, and the next client gets its turn.
    assert_eq!(app.register("next@example.com", PASSWORD).await.status(), 201);
    assert_eq!(hasher.hashes.load(Ordering::Relaxed), 1);
    assert!(app.world.users.get(EMAIL).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_408_and_holds_up_nobody() {
    let mut options = options();
    options.body_timeout = Duration::from_millis(200);
    let app = TestApp::start_with(World::default(), options);
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let head = "POST /api/v1/users/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{\"email\":";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request-timeout"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_is_408() {
    let mut server_options = server_options();
    server_options.client_request_timeout = Duration::from_millis(200);
    let app = TestApp::start_full(World::default(), options(), Vec::new(), server_options);
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHos").await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_whose_client_has_gone_is_finished() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    let (entered, go_on) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    app.world.users.before_next_save(move |_| {
        entered.0.send(()).unwrap();
        go_on.1.recv_timeout(Duration::from_secs(10)).unwrap();
    });
    let body = format!("{{\"code\":\"{}\"}}", crate::support::code(issue));
    let url = app.url("/api/v1/users/activate");
    let client = app.http.clone();
    let request = client.post(url).basic_auth(EMAIL, Some(PASSWORD));
    let request = tokio::spawn(request.header("content-type", "application/json").body(body).send());
    tokio::task::block_in_place(|| entered.1.recv_timeout(Duration::from_secs(10))).unwrap();
    request.abort();
    go_on.0.send(()).unwrap();
    soon(async {
        while !app.world.users.get(EMAIL).unwrap().is_active() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
