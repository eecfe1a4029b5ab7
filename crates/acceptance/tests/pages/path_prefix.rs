//! The documentation behind a proxy that serves it under a path of its own.

use acceptance::browser::{Browser, Theme};
use acceptance::{Account, StandaloneCommand};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const PREFIX: &str = "/signup";
const REGISTER: &str = "#operations-users-register";

/// Starts a proxy that takes the prefix off each path. Returns the URL of the prefix.
async fn start_proxy(upstream: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PREFIX}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // A browser may close a connection that it has opened in advance.
            tokio::spawn(pass_on(client, upstream.clone()));
        }
    });
    url
}

/// Passes on one request; its answer ends the connection.
async fn pass_on(mut client: TcpStream, upstream: String) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8(request).map_err(std::io::Error::other)?;
    let Some((method, rest)) = request.split_once(&format!(" {PREFIX}/")) else {
        let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(missing.as_bytes()).await;
    };
    let request =
        format!("{method} /{rest}").replace("Connection: keep-alive", "Connection: close");
    let mut server = TcpStream::connect(upstream).await?;
    server.write_all(request.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

#[tokio::test]
async fn the_documentation_works_behind_a_path_prefix() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let url = start_proxy(standalone.api.trim_start_matches("http://").to_owned()).await;
    let browser = Browser::start(Theme::Light, (1280, 900)).await;

    browser.open(&format!("{url}/docs/")).await;
    browser.wait_for_text("#swagger-ui .title", "Registration").await;
    assert_eq!(browser.evaluate("location.pathname").await, format!("{PREFIX}/docs"));
    browser.click(&format!("{REGISTER} .opblock-summary-control")).await;
    let account = Account::new();
    let body = format!(r#"{{ "email": "{}", "password": "{}" }}"#, account.email, account.password);
    browser.fill(&format!("{REGISTER} textarea"), &body).await;
    browser.click(&format!("{REGISTER} .execute")).await;
    browser
        .wait_for_text(
            &format!("{REGISTER} .live-responses-table tbody .response-col_status"),
            "201",
        )
        .await;

    browser.click("nav a:nth-of-type(2)").await;
    browser.wait_for_text("#code-expired", "410").await;
    browser.click("nav a:nth-of-type(1)").await;
    browser.wait_for_text("#swagger-ui .title", "Registration").await;
    browser.assert_requested_only_from(&[&url]).await;
}
