//! An address cannot make a mail say or do more than it should (OWASP ASVS 1.3.11).

use serde_json::json;

use acceptance::{Account, Journey, Setup, journeys};
use test_support::{eventually, unique_name};

journeys!(both {
    asvs_1_3_11_an_address_cannot_add_commands_headers_or_recipients: Setup::own(), [];
    asvs_1_2_4_an_address_is_no_statement: Setup::own(), [];
});

/// A line end in every disguise, and what an attacker would like to follow it.
async fn asvs_1_3_11_an_address_cannot_add_commands_headers_or_recipients(journey: &Journey) {
    let victim = format!("victim.{}@example.com", unique_name());
    let ends =
        ["\r\n", "\n", "\r", "\u{2028}", "\u{85}", "\\r\\n", "%0d%0a", "=0D=0A", "\0", "\t", " "];
    let payloads = [
        "Bcc: VICTIM",
        "RCPT TO:<VICTIM>",
        ".\r\nMAIL FROM:<VICTIM>",
        "> SIZE=1 <VICTIM",
        ",VICTIM",
        ";VICTIM",
    ];
    for end in ends {
        for payload in payloads {
            let payload = payload.replace("VICTIM", &victim);
            let local = unique_name();
            let addresses = [
                format!("{local}@example.com{end}{payload}"),
                format!("{local}{end}{payload}@example.com"),
                format!("\"{local}{end}{payload}\"@example.com"),
                format!("{local}@[127.0.0.1{end}{payload}]"),
                format!("{local}({end}{payload})@example.com"),
            ];
            for email in addresses {
                harmless(journey, &email, &victim).await;
            }
        }
    }
    // Characters that are special elsewhere are only characters here.
    for special in
        ["%0d%0a", "=0d=0a", "=?utf-8?q?Bcc?=", "{{7*7}}", "$PATH", "a'b", "`id`", "a|b", "#!"]
    {
        harmless(journey, &format!("{special}.{}@example.com", unique_name()), &victim).await;
    }
    journey.everything_settled().await;
    assert!(journey.mailbox.mails(&victim).await.is_empty());
    assert!(journey.system.smtp.deliveries(&victim).is_empty());
}

/// The address is refused, or its mail has it as its one recipient and not one header more than any
/// other.
async fn harmless(journey: &Journey, email: &str, victim: &str) {
    let account = Account { email: email.to_owned(), ..Account::new() };
    let body = json!({ "email": account.email, "password": account.password }).to_string();
    let reply = journey.api.send(journey.api.post("/api/v1/users/register", body)).await;
    if reply.status == 422 {
        reply.expect_invalid("/email");
        return;
    }
    reply.expect_status(201);
    // As it is registered, trimmed.
    let email = reply.text("email");
    let deliveries =
        async || Some(journey.system.smtp.deliveries(&email)).filter(|mails| !mails.is_empty());
    let mails = eventually(&format!("a mail to {email}"), deliveries).await;
    let [mail] = &mails[..] else { panic!("not one mail to {email}") };
    let (head, _) = mail.raw.split_once("\r\n\r\n").expect("a head");
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let names: Vec<String> =
        unfolded.lines().map(|line| line.split(':').next().unwrap().to_lowercase()).collect();
    assert_eq!(names.iter().filter(|name| *name == "to").count(), 1, "{head}");
    assert!(!names.iter().any(|name| ["bcc", "cc"].contains(&name.as_str())), "{head}");
    assert!(!mail.raw.contains(victim), "{}", mail.raw);
}

async fn asvs_1_2_4_an_address_is_no_statement(journey: &Journey) {
    let (bystander, mail) = journey.registered().await;
    let statements =
        ["'or'1'='1", "a'||(select'b')||'", "'/**/or/**/1=1/**/", "a'--", "%", "_", "\\'", "$1"];
    for statement in statements {
        let account = Account {
            email: format!("{statement}{}@example.com", unique_name()),
            ..Account::new()
        };
        let body = json!({ "email": account.email, "password": account.password }).to_string();
        let reply = journey.api.send(journey.api.post("/api/v1/users/register", body)).await;
        assert!([201, 422].contains(&reply.status), "{statement}: {reply:?}");
        if reply.status == 201 {
            // It is an address like any other, and leads to no other account.
            let mail = journey.mailbox.first(&account.email).await;
            journey.api.activate(&account, &mail.code()).await.expect_status(200);
            journey.api.register(&account).await.expect_problem(409, "email-taken");
        }
        let guess = bystander.with_password(format!("{statement}' or 1=1 --"));
        journey.api.activate(&guess, &mail.code()).await.expect_problem(401, "invalid-credentials");
    }
    journey.api.activate(&bystander, &mail.code()).await.expect_status(200);
}
