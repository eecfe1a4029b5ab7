//! The requests, as bytes. Everybody who registers comes from an address of their own, as a proxy
//! tells it, so that the limits are at work and refuse nobody.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A password that is accepted.
const PASSWORD: &str = "correct horse battery staple";

/// A user that no other request of this process is about.
pub fn new_user() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A client's address that no other request of this process names.
pub fn new_client() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // From 11.0.0.1 on.
    Ipv4Addr::from_bits((11 << 24) + NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The registration of a user.
pub(super) fn register(user: u64) -> Vec<u8> {
    let body = format!(r#"{{"email":"u{user}@bench.example","password":"{PASSWORD}"}}"#);
    post("register", new_client(), "", &body)
}

/// The activation of a user, with the code from the mail.
pub(super) fn activate(user: u64, code: u32) -> Vec<u8> {
    let credentials = STANDARD.encode(format!("u{user}@bench.example:{PASSWORD}"));
    let header = format!("Authorization: Basic {credentials}\r\n");
    post("activate", new_client(), &header, &format!(r#"{{"code":"{code:04}"}}"#))
}

/// A registration that is refused for its form.
pub(super) fn invalid(client: Ipv4Addr) -> Vec<u8> {
    post("register", client, "", r#"{"email":"nobody","password":"short"}"#)
}

/// An activation without credentials.
pub(super) fn without_credentials() -> Vec<u8> {
    post("activate", new_client(), "", r#"{"code":"0000"}"#)
}

/// Whether the process lives.
pub(super) fn health() -> Vec<u8> {
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()
}

fn post(action: &str, client: Ipv4Addr, header: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/users/{action} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\
         Content-Type: application/json\r\n{header}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
