//! The Pwned Passwords client against an HTTP server that answers as the range API may.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::time::{Duration, Instant};

use adapters::hibp::{HibpOptions, PwnedPasswords};
use domain::Password;
use domain::ports::{BreachCheckError, BreachedPasswords};
use secrecy::SecretString;
use test_support::{eventually_within, install_crypto_provider};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// SHA-1 of "password1": E38AD 214943DAAD1D64C102FAEC29DE4AFE9DA3D.
const PASSWORD: &str = "password1";
const PREFIX_PATH: &str = "/range/E38AD";
const SUFFIX: &str = "214943DAAD1D64C102FAEC29DE4AFE9DA3D";
const OTHER: &str = "00000000000000000000000000000000000";

/// Longer than any answer takes here, unless it is made to take as long.
const MINUTE: Duration = Duration::from_mins(1);

async fn answer(server: &MockServer, response: ResponseTemplate) {
    Mock::given(method("GET"))
        .and(path(PREFIX_PATH))
        .and(header("Add-Padding", "true"))
        .respond_with(response)
        .mount(server)
        .await;
}

fn client(server: &MockServer, timeout: Duration, pause: Duration) -> PwnedPasswords {
    install_crypto_provider();
    PwnedPasswords::new(HibpOptions { base_url: server.uri(), timeout, pause }).unwrap()
}

async fn answering(response: ResponseTemplate) -> (MockServer, PwnedPasswords) {
    let server = MockServer::start().await;
    answer(&server, response).await;
    let client = client(&server, MINUTE, MINUTE);
    (server, client)
}

async fn ask(response: ResponseTemplate) -> Result<bool, BreachCheckError> {
    let (_server, client) = answering(response).await;
    client.contains(&Password::claimed(SecretString::from(PASSWORD))).await
}

fn text(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(body)
}

#[tokio::test]
async fn asvs_6_2_12_a_breached_password_is_found() {
    assert!(ask(text(&format!("{OTHER}:3\r\n{SUFFIX}:2401761\r\n"))).await.unwrap());
}

#[tokio::test]
async fn asvs_6_2_12_another_password_is_not_found() {
    assert!(!ask(text(&format!("{OTHER}:3\r\n"))).await.unwrap());
}

#[tokio::test]
async fn asvs_6_2_12_padding_is_no_finding() {
    assert!(!ask(text(&format!("{OTHER}:3\r\n{SUFFIX}:0\r\n"))).await.unwrap());
}

#[tokio::test]
async fn asvs_6_2_12_only_five_digits_of_the_hash_are_sent() {
    let (server, client) = answering(text(&format!("{OTHER}:3"))).await;
    client.contains(&Password::claimed(SecretString::from(PASSWORD))).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent = format!("{requests:?}");
    assert_eq!(requests.len(), 1);
    assert!(!sent.contains(PASSWORD) && !sent.contains(&SUFFIX[..6]), "{sent}");
}

#[tokio::test]
async fn whatever_else_comes_is_an_error_and_no_verdict() {
    for response in [
        ResponseTemplate::new(429),
        ResponseTemplate::new(500),
        text(""),
        text("<html>captive portal</html>"),
        text("too:short"),
        text(&format!("{SUFFIX}:many")),
        text(&format!("{OTHER}:1\r\n").repeat(20_000)),
        ResponseTemplate::new(200).set_body_bytes([0xff, 0xfe]),
    ] {
        assert!(ask(response.clone()).await.is_err(), "{response:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_an_error_and_no_verdict() {
    let server = MockServer::start().await;
    answer(&server, text(&format!("{SUFFIX}:1")).set_delay(MINUTE)).await;
    let client = client(&server, Duration::from_millis(300), MINUTE);
    assert!(client.contains(&Password::claimed(SecretString::from(PASSWORD))).await.is_err());
}

#[tokio::test]
async fn an_api_that_keeps_failing_is_left_alone() {
    let (server, client) = answering(ResponseTemplate::new(500)).await;
    let password = Password::claimed(SecretString::from(PASSWORD));
    for _ in 0..30 {
        assert!(client.contains(&password).await.is_err());
    }
    let asked = server.received_requests().await.unwrap().len();
    assert!((10..=11).contains(&asked), "asked {asked} times");
}

#[tokio::test]
async fn an_api_that_was_left_alone_is_asked_again_after_the_pause() {
    let server = MockServer::start().await;
    answer(&server, ResponseTemplate::new(500)).await;
    let pause = Duration::from_millis(200);
    let client = client(&server, MINUTE, pause);
    let password = Password::claimed(SecretString::from(PASSWORD));
    let began = Instant::now();
    for _ in 0..30 {
        assert!(client.contains(&password).await.is_err());
    }
    server.reset().await;
    answer(&server, text(&format!("{SUFFIX}:1"))).await;
    eventually_within(MINUTE, "the API to be asked again", async || {
        client.contains(&password).await.ok()
    })
    .await;
    assert!(began.elapsed() >= pause, "asked again after {:?}", began.elapsed());
}
