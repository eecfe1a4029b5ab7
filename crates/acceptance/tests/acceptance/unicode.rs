//! The same address and password, written in the ways that keyboards, clipboards and clients have.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use acceptance::{Account, Journey, Setup, journeys};
use test_support::unique_name;

const ACTIVATE: &str = "/api/v1/users/activate";

journeys!(both {
    a_password_is_the_same_in_every_unicode_form: Setup::ordinary(), [];
    rfc_7617_credentials_in_iso_8859_1_are_read: Setup::ordinary(), [];
    what_is_pasted_around_an_address_is_trimmed: Setup::ordinary(), [];
    domains_that_end_in_a_number_are_refused: Setup::ordinary(), [];
});

async fn a_password_is_the_same_in_every_unicode_form(journey: &Journey) {
    let name = unique_name();
    let composed = format!("Ångström 한글 {name}");
    let decomposed =
        format!("A\u{30a}ngstro\u{308}m\u{a0}\u{1112}\u{1161}\u{11ab}글\u{3000}{name}");
    for (registered, sent) in [(&composed, &decomposed), (&decomposed, &composed)] {
        let account = Account::new().with_password(registered);
        journey.api.register(&account).await.expect_status(201);
        let mail = journey.mailbox.first(&account.email).await;
        let account = account.with_password(sent);
        journey.api.activate(&account, &mail.code()).await.expect_status(200);
    }
}

async fn rfc_7617_credentials_in_iso_8859_1_are_read(journey: &Journey) {
    let account = Account::new();
    let account = account.with_password(format!("Größe £ {}", account.password));
    journey.api.register(&account).await.expect_status(201);
    let mail = journey.mailbox.first(&account.email).await;
    let pair = format!("{}:{}", account.email, account.password);
    let bytes: Vec<u8> = pair.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let body = json!({ "code": mail.code() }).to_string();
    let credentials = format!("Basic {}", BASE64_STANDARD.encode(bytes));
    let request = journey.api.post(ACTIVATE, body).header("authorization", credentials);
    journey.api.send(request).await.expect_status(200);
}

async fn what_is_pasted_around_an_address_is_trimmed(journey: &Journey) {
    for (before, after) in
        [("\u{a0}", "\u{a0}"), ("\u{3000} ", "\u{3000}"), ("\u{feff}", " "), ("", "\u{200b}")]
    {
        let account = Account::new();
        let pasted =
            Account { email: format!("{before}{}{after}", account.email), ..account.clone() };
        let registered = journey.api.register(&pasted).await;
        assert_eq!(registered.expect_status(201).text("email"), account.email);
        let mail = journey.mailbox.first(&account.email).await;
        journey.api.activate(&pasted, &mail.code()).await.expect_status(200);
    }
}

async fn domains_that_end_in_a_number_are_refused(journey: &Journey) {
    let account = Account::new();
    for domain in ["127.0.0.1", "1.1", "example.123", "0x7f.1", "example.0x7f", "127.0.0.１"] {
        let address = Account { email: format!("ada@{domain}"), ..account.clone() };
        journey.api.register(&address).await.expect_invalid("/email");
    }
    // Digits elsewhere in a domain are ordinary.
    for domain in ["163.example", "4u.co1"] {
        let address = Account { email: format!("{}@{domain}", unique_name()), ..account.clone() };
        journey.api.register(&address).await.expect_status(201);
    }
}
