//! What the mails look like, and that a repeated one is recognisable as such.

use acceptance::{Journey, Setup, Verdict, journeys};

journeys!(both {
    a_mail_is_well_formed: Setup::ordinary(), [];
    a_repeated_mail_is_the_same_mail: Setup::own(), [];
    a_sender_may_have_a_quoted_name_and_an_international_domain:
        Setup::own().with("mail.from", r#""Example, Inc." <no-reply@bücher.example>"#), [];
});

/// The unfolded value of a header (RFC 5322 section 2.2.3); panics unless there is exactly one.
fn header(raw: &str, name: &str) -> String {
    let (head, _) = raw.split_once("\r\n\r\n").expect("a header and a body");
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let prefix = format!("{}:", name.to_lowercase());
    let values: Vec<&str> = head
        .lines()
        .filter(|line| line.to_lowercase().starts_with(&prefix))
        .map(|line| line[prefix.len()..].trim())
        .collect();
    let [value] = values[..] else { panic!("{} values of {name} in\n{raw}", values.len()) };
    value.to_owned()
}

async fn a_mail_is_well_formed(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let code = mail.code();
    assert!(mail.html.contains(&code), "{}", mail.html);
    assert!(!mail.subject.is_empty() && !mail.subject.contains(&account.password));
    assert!(!mail.html.contains("http://"), "nothing is loaded from elsewhere: {}", mail.html);
    for secret in [&account.password, &account.basic()] {
        assert!(!mail.text.contains(secret) && !mail.html.contains(secret));
    }

    let deliveries = journey.system.smtp.deliveries(&account.email);
    let [delivery] = &deliveries[..] else { panic!("{} mails", deliveries.len()) };
    let raw = &delivery.raw;
    assert_eq!(header(raw, "To"), account.email);
    assert_eq!(header(raw, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(raw, "MIME-Version"), "1.0");
    assert!(header(raw, "From").contains('@'));
    assert!(header(raw, "Date").contains(':'), "{}", header(raw, "Date"));
    let message_id = header(raw, "Message-ID");
    assert!(message_id.starts_with('<') && message_id.ends_with('>') && message_id.contains('@'));
    assert_eq!(message_id.trim_matches(['<', '>']), mail.message_id);
    assert!(header(raw, "Content-Type").starts_with("multipart/alternative"));
    let lower = raw.to_lowercase();
    let (text, html) =
        (lower.find("content-type: text/plain"), lower.find("content-type: text/html"));
    assert!(
        text.expect("a text part") < html.expect("an HTML part"),
        "the preferred part is the last"
    );
    assert!(raw.is_ascii() && raw.lines().all(|line| line.len() <= 998), "RFC 5322 section 2.1.1");
}

async fn a_sender_may_have_a_quoted_name_and_an_international_domain(journey: &Journey) {
    let (_, mail) = journey.registered().await;
    assert_eq!(mail.from_name, "Example, Inc.");
    assert_eq!(mail.from_address, "no-reply@xn--bcher-kva.example");
    assert!(mail.message_id.ends_with("@xn--bcher-kva.example"), "{}", mail.message_id);
}

async fn a_repeated_mail_is_the_same_mail(journey: &Journey) {
    journey.system.smtp.script(&[Verdict::AcceptAndHangUp]);
    let (account, _) = journey.registered().await;
    let mails = journey.mailbox.expect(&account.email, 2).await;
    assert_eq!(mails[0].message_id, mails[1].message_id);
    assert_eq!(mails[0].code(), mails[1].code());
    journey.api.activate(&account, &mails[1].code()).await.expect_status(200);
}
