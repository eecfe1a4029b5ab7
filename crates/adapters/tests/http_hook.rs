//! The registration hook against an HTTP server that answers as one may.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use adapters::http_hook::{HttpHook, HttpHookOptions};
use domain::ports::{HookDecision, HookError, RegistrationHook};
use domain::{EmailAddress, ErrorChain};
use secrecy::SecretString;
use serde_json::json;
use test_support::install_crypto_provider;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// Longer than any answer takes here, unless it is made to take as long.
const MINUTE: Duration = Duration::from_mins(1);

fn options(url: String) -> HttpHookOptions {
    install_crypto_provider();
    let token = Some(SecretString::from("hush"));
    HttpHookOptions { url, token, timeout: MINUTE, pause: MINUTE }
}

fn email() -> EmailAddress {
    EmailAddress::parse("Ada@Example.com").unwrap()
}

async fn answering(response: ResponseTemplate) -> (MockServer, HttpHook) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/hook"))
        .and(header("authorization", "Bearer hush"))
        .and(body_json(json!({ "email": "Ada@example.com", "client": "203.0.113.7" })))
        .respond_with(response)
        .mount(&server)
        .await;
    let hook = HttpHook::new(&options(format!("{}/hook", server.uri()))).unwrap();
    (server, hook)
}

async fn decide(response: ResponseTemplate) -> Result<HookDecision, HookError> {
    let (_server, hook) = answering(response).await;
    hook.decide(&email(), CLIENT).await
}

fn text(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(body)
}

#[tokio::test]
async fn the_hook_decides() {
    assert_eq!(decide(text(r#"{"allow": true}"#)).await.unwrap(), HookDecision::Allow);
    assert_eq!(decide(text(r#"{"allow": false, "why": 1}"#)).await.unwrap(), HookDecision::Refuse);
}

#[tokio::test]
async fn whatever_else_comes_is_an_error_and_no_decision() {
    for response in [
        text(""),
        text("allow"),
        text(r#"{"allow": "true"}"#),
        text(r#"{"allowed": true}"#),
        text(&format!(r#"{{"allow": true, "padding": "{}"}}"#, "x".repeat(5_000))),
        ResponseTemplate::new(403),
        ResponseTemplate::new(204),
        ResponseTemplate::new(202).set_body_string(r#"{"allow": true}"#),
        ResponseTemplate::new(500).set_body_string(r#"{"allow": true}"#),
    ] {
        decide(response).await.unwrap_err();
    }
}

#[tokio::test]
async fn asvs_1_3_6_a_redirection_is_not_followed() {
    let elsewhere = MockServer::start().await;
    let response = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    decide(response).await.unwrap_err();
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn asvs_13_1_3_a_hook_that_hangs_is_given_up_and_then_left_alone() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(text(r#"{"allow": true}"#).set_delay(MINUTE))
        .mount(&server)
        .await;
    let timeout = Duration::from_millis(50);
    let hook = HttpHook::new(&HttpHookOptions { timeout, ..options(server.uri()) }).unwrap();
    for _ in 0..20 {
        hook.decide(&email(), CLIENT).await.unwrap_err();
    }
    let error = hook.decide(&email(), CLIENT).await.unwrap_err();
    assert!(ErrorChain(&error).to_string().contains("circuit breaker"), "{}", ErrorChain(&error));
    assert!(server.received_requests().await.unwrap().len() < 20);
}

#[test]
fn asvs_1_3_6_a_url_that_must_not_be_asked_is_refused() {
    for url in [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https://me:hush@hooks.example.com/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        // The same address, as URLs may write it.
        "http://2852039166/",
        "http://0xa9.254.43518/",
    ] {
        let error = HttpHook::new(&options(url.to_owned())).map(drop).unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    for url in ["https://hooks.example.com/registration", "http://127.0.0.1:9000/", "http://[::1]/"]
    {
        HttpHook::new(&options(url.to_owned())).map(drop).unwrap();
    }
}
