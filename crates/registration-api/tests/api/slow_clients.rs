use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use test_support::{eventually, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{EMAIL, PASSWORD, TestApp, World, options, server_options};

async fn send_registration(app: &TestApp) -> TcpStream {
    let body = format!("{{\"email\":\"{EMAIL}\",\"password\":\"{PASSWORD}\"}}");
    let head =
        "POST /api/v1/users/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_15_2_2_a_request_whose_client_has_gone_is_not_hashed() {
    let app = TestApp::start();
    let hasher = app.world.hasher.clone();
    hasher.turns.forget_permits(usize::MAX);
    let stream = send_registration(&app).await;
    soon("a hash to wait", hasher.waiting.notified()).await;
    drop(stream);
    soon("the hash to be given up", hasher.given_up.notified()).await;
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
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
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
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_later_request_must_arrive_in_time() {
    let mut server_options = server_options();
    server_options.keep_alive = Duration::from_millis(300);
    server_options.client_request_timeout = Duration::from_millis(200);
    let app = TestApp::start_full(World::default(), options(), Vec::new(), server_options);
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /heal").await.unwrap();
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_15_2_2_unanswered_requests_have_bounded_memory_over_all_connections() {
    let head =
        format!("GET /health/live HTTP/1.1\r\nHost: x\r\nX-Filler: {}", "x".repeat(60 * 1024));
    let mut server_options = server_options();
    server_options.request_memory = 3 * head.len();
    let app = TestApp::start_full(World::default(), options(), Vec::new(), server_options);
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(TcpStream::connect(app.address).await.unwrap());
    }
    for client in &mut clients {
        // One that is closed meanwhile cannot be written to.
        let _ = client.write_all(head.as_bytes()).await;
    }
    let closed = clients
        .iter_mut()
        .map(|client| async { client.read(&mut [0; 1]).await.unwrap_or(0) }.boxed());
    let (read, ..) = soon("a closed connection", select_all(closed)).await;
    assert_eq!(read, 0);
    // Small requests still pass, and what was closed has given its memory back.
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
    drop(clients);
    let mut client = TcpStream::connect(app.address).await.unwrap();
    client.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 15];
    soon("an answer", client.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_in_use_is_never_shut_down() {
    let mut server_options = server_options();
    server_options.keep_alive = Duration::from_millis(700);
    server_options.client_request_timeout = Duration::from_millis(300);
    let app = TestApp::start_full(World::default(), options(), Vec::new(), server_options);
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    // Answers that wait for nothing, in all for much longer than the connection may be silent.
    for _ in 0..12 {
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            assert_ne!(
                soon("an answer", stream.read_buf(&mut answer)).await.unwrap(),
                0,
                "the connection is closed"
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_3_3_an_activation_whose_client_has_gone_is_finished() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    let users = &app.world.users;
    let gate = users.save_gate.get_or_init(|| Semaphore::new(0));
    let request = tokio::spawn({
        let request = app.post("/api/v1/users/activate").basic_auth(EMAIL, Some(PASSWORD));
        request.json(&serde_json::json!({"code": crate::support::code(issue)})).send()
    });
    soon("the change to be saved", users.saving.notified()).await;
    request.abort();
    assert!(soon("the request to end", request).await.unwrap_err().is_cancelled());
    // The one worker answers this after it has seen the other client go.
    assert_eq!(app.register("next@example.com", PASSWORD).await.status(), 201);
    gate.add_permits(1);
    eventually("the activation", async || users.get(EMAIL).unwrap().is_active().then_some(()))
        .await;
}
