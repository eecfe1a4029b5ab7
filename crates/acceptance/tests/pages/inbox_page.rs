//! The inbox at night, on a phone, and with a mail that means harm.

use std::io::ErrorKind;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use acceptance::browser::{Browser, Theme};
use acceptance::{Account, Standalone, StandaloneCommand};

/// Three people have signed up.
async fn with_mails(start: &StandaloneCommand) -> Standalone {
    let standalone = start.start().await;
    for name in ["grace", "barbara", "ada"] {
        let account = Account { email: format!("{name}@example.com"), ..Account::new() };
        standalone.client().register(&account).await.expect_status(201);
        standalone.mailbox().first(&account.email).await;
    }
    standalone
}

#[tokio::test]
async fn it_is_at_home_in_the_dark() {
    let data = tempfile::tempdir().unwrap();
    let standalone = with_mails(&StandaloneCommand::on(data.path())).await;
    let browser = Browser::start(Theme::Dark, (1280, 900)).await;
    browser.open(&standalone.inbox).await;
    browser.wait_for_text("#list", "grace@example.com").await;
    browser.text("#code").await;
    browser.save_screenshot("10-inbox-dark").await;

    browser.click("#tab-text").await;
    browser.wait_for_text("#view-text", "code").await;
    browser.save_screenshot("11-inbox-dark-text").await;
    browser.click("#tab-source").await;
    browser.wait_for_text("#view-source", "Message-ID").await;

    browser.fill("#search", r#"to:"grace@example.com""#).await;
    browser.wait_for_text("#count", "1 mail of 3").await;
    browser.assert_requested_only_from(&[&standalone.inbox]).await;
}

#[tokio::test]
async fn the_code_is_copied_with_one_click_and_all_is_deleted_with_two() {
    let data = tempfile::tempdir().unwrap();
    let standalone = with_mails(&StandaloneCommand::on(data.path())).await;
    let browser = Browser::start(Theme::Light, (1280, 900)).await;
    browser.open(&standalone.inbox).await;
    browser.text("#code").await;
    browser.click("#copy").await;
    browser.wait_for_text("#copy", "Copied").await;
    browser.save_screenshot("12-inbox-copied").await;
    browser.click("#delete-all").await;
    browser.wait_for_text("#confirm-text", "Delete all 3 mails?").await;
    browser.save_screenshot("13-inbox-delete").await;
    browser.click("#confirm-yes").await;
    browser.wait_for_text("#empty", "No mail yet").await;
    assert!(standalone.mailbox().mails("ada@example.com").await.is_empty());
    browser.assert_requested_only_from(&[&standalone.inbox]).await;
}

#[tokio::test]
async fn it_fits_a_phone() {
    let data = tempfile::tempdir().unwrap();
    let standalone = with_mails(&StandaloneCommand::on(data.path())).await;
    let browser = Browser::start(Theme::Light, (390, 844)).await;
    browser.open(&standalone.inbox).await;
    browser.wait_for_text("#list", "ada@example.com").await;
    browser.save_screenshot("14-inbox-phone-list").await;
    browser.click("#list a").await;
    browser.text("#code").await;
    browser.save_screenshot("15-inbox-phone-mail").await;
    let width = browser.evaluate("document.documentElement.scrollWidth").await;
    assert!(width.as_u64() <= Some(390), "the page is {width} pixels wide");
    browser.click(".back").await;
    browser.wait_for_text("#list", "grace@example.com").await;
    browser.assert_requested_only_from(&[&standalone.inbox]).await;
}

#[tokio::test]
async fn a_hostile_mail_can_do_nothing() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    let standalone = start.start().await;
    let tracker = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    tracker.set_nonblocking(true).unwrap();
    let theirs = format!("http://{}", tracker.local_addr().unwrap());
    let html = format!(
        "<h1>Win a prize</h1><script>top.harmed = true; document.title = 'harmed'</script>\
         <img src='{theirs}/pixel' onerror='top.harmed = true'><link rel=stylesheet href='{theirs}/style'>\
         <form action='{theirs}'><button>Claim it</button></form>"
    );
    send(start.smtp_port, "<img src=x onerror='window.harmed = true'>", &html).await;
    let browser = Browser::start(Theme::Light, (1280, 900)).await;
    browser.open(&standalone.inbox).await;
    browser.wait_for_text("#subject", "onerror").await;
    browser.enter_frame("#view-html").await;
    browser.wait_for_text("h1", "Win a prize").await;
    browser.click("button").await;
    browser.leave_frame().await;
    browser.save_screenshot("16-inbox-hostile").await;
    assert_eq!(browser.evaluate("window.harmed === undefined").await, true);
    assert_eq!(browser.evaluate("document.title").await, "Inbox");
    let asked = tracker.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock), "the mail has reached its sender");
}

/// Sends a mail with an HTML body, by SMTP (RFC 5321).
async fn send(port: u16, subject: &str, html: &str) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut stream = BufReader::new(stream);
    let mail = format!(
        "From: <eve@example.com>\r\nTo: <ada@example.com>\r\nSubject: {subject}\r\n\
         Content-Type: text/html\r\n\r\n{html}\r\n.\r\n"
    );
    let commands = [
        "HELO eve\r\n",
        "MAIL FROM:<eve@example.com>\r\n",
        "RCPT TO:<ada@example.com>\r\n",
        "DATA\r\n",
    ];
    for command in commands.into_iter().chain([mail.as_str(), "QUIT\r\n"]) {
        let mut answer = String::new();
        stream.read_line(&mut answer).await.unwrap();
        assert!(answer.starts_with('2') || answer.starts_with('3'), "{answer}");
        stream.write_all(command.as_bytes()).await.unwrap();
    }
}
