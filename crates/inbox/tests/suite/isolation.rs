//! What a mail says is never run, and other sites can't reach the inbox through a developer's
//! browser.

use inbox::{Capacity, Inbox, InboxOptions};
use reqwest::Method;
use reqwest::header::HOST;
use test_support::soon;

use crate::harness::{get, http_client, loopback, send, start, url};

const EVIL: &str = "From: \"<script>alert(1)</script>\" <eve@evil.example>\n\
    Subject: <img src=x onerror=alert(1)>\nMIME-Version: 1.0\nContent-Type: text/html\n\n\
    <script>alert(1)</script><img src=https://evil.example/x.png><form action=//evil.example><a href=//a.example>\n";

fn directive<'a>(policy: &'a str, name: &str) -> &'a str {
    let mut directives = policy.split(';').map(str::trim);
    directives.find(|directive| directive.split(' ').next() == Some(name)).unwrap_or("")
}

#[tokio::test]
async fn the_html_of_a_mail_is_sandboxed_wherever_it_is_opened() {
    let inbox = start().await;
    let id = send(&inbox, "ada@example.com", EVIL).await;
    for path in [
        format!("/view/{id}.html"),
        format!("/view/{id}.html?embed=1"),
        format!("/api/v1/message/{id}/raw"),
    ] {
        let response = get(&inbox, &path).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let sandbox = directive(&policy, "sandbox");
        assert!(sandbox.starts_with("sandbox"), "{path}: {policy}");
        assert!(!sandbox.contains("allow-scripts") && !sandbox.contains("allow-same-origin"));
        assert_eq!(directive(&policy, "default-src"), "default-src 'none'");
        assert_eq!(directive(&policy, "img-src"), "img-src data:");
        assert_eq!(directive(&policy, "script-src"), "");
        assert_eq!(response.headers().get_all("content-security-policy").iter().count(), 1);
    }
}

#[tokio::test]
async fn the_page_uses_nothing_but_its_own_files() {
    let inbox = start().await;
    let page = get(&inbox, "/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert_eq!(directive(&policy, "default-src"), "default-src 'none'");
    assert_eq!(directive(&policy, "script-src"), "script-src 'self'");
    assert_eq!(directive(&policy, "frame-ancestors"), "frame-ancestors 'none'");
    assert!(!policy.contains("unsafe"));
    for path in ["/", "/app.js", "/style.css"] {
        let text = get(&inbox, path).await.text().await.unwrap();
        for foreign in
            ["http:", "https:", "src=\"//", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval("]
        {
            assert!(!text.contains(foreign), "{path} contains {foreign}");
        }
    }
    let html = page.text().await.unwrap();
    assert!(html.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""));
}

async fn status(inbox: &Inbox, method: Method, path: &str, host: &str) -> u16 {
    let request = http_client().request(method, url(inbox, path)).header(HOST, host);
    soon("an answer", request.send()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn names_that_a_foreign_dns_server_could_point_here_are_refused() {
    let inbox = start().await;
    send(&inbox, "ada@example.com", EVIL).await;
    for host in ["evil.example", "evil.example:8025", "localhost.evil.example", "127.0.0.1.nip.io"]
    {
        for path in ["/", "/api/v1/messages", "/events", "/view/latest.html", "/nothing"] {
            assert_eq!(status(&inbox, Method::GET, path, host).await, 421, "{host} {path}");
        }
        assert_eq!(status(&inbox, Method::DELETE, "/api/v1/messages", host).await, 421);
    }
    let forwarded = http_client().get(url(&inbox, "/api/v1/messages")).header(HOST, "evil.example");
    let forwarded =
        forwarded.header("X-Forwarded-Host", "localhost").header("Forwarded", "host=localhost");
    assert_eq!(soon("an answer", forwarded.send()).await.unwrap().status(), 421);
    for host in ["localhost:8025", "127.0.0.1", "[::1]:8025"] {
        assert_eq!(status(&inbox, Method::GET, "/api/v1/messages", host).await, 200, "{host}");
    }
    assert_eq!(inbox.mailbox().entries().len(), 1);
}

#[tokio::test]
async fn names_that_were_allowed_are_served_and_no_others() {
    let hosts = vec!["Inbox.dev.example".to_owned()];
    let options = InboxOptions {
        smtp: loopback(),
        http: loopback(),
        hosts,
        capacity: Capacity::default(),
        example: None,
    };
    let inbox = Inbox::start(options).await.unwrap();
    for host in ["inbox.dev.example", "INBOX.dev.example:8025", "localhost:8025"] {
        assert_eq!(status(&inbox, Method::GET, "/api/v1/messages", host).await, 200, "{host}");
    }
    for host in [
        "dev.example",
        "x.inbox.dev.example",
        "inbox.dev.example.evil.example",
        "evil.example:8025",
    ] {
        assert_eq!(status(&inbox, Method::GET, "/api/v1/messages", host).await, 421, "{host}");
    }
}

#[tokio::test]
async fn other_origins_are_told_nothing() {
    let inbox = start().await;
    for path in ["/", "/api/v1/messages", "/api/v1/message/unknown", "/about.json", "/nothing"] {
        let response = get(&inbox, path).await;
        let headers = response.headers();
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
    }
    let preflight = status(&inbox, Method::OPTIONS, "/api/v1/messages", "localhost").await;
    assert!(preflight >= 400, "{preflight}");
}
