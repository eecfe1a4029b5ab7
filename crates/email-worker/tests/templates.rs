//! What the mails say: the code cannot be missed, and nothing else can be mistaken for it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use domain::{CodeIssue, CodeKey, CodeLength, UserId, VerificationCode};
use email_worker::{TemplateError, TemplateOptions, Templates};
use proptest::prelude::*;
use test_support::CODE_KEY;
use uuid::Uuid;

fn code(user: u128, digits: u8) -> VerificationCode {
    let key = CodeKey::from_hex(CODE_KEY).unwrap();
    let issue = CodeIssue { user_id: UserId::from_uuid(Uuid::from_u128(user)), number: 1 };
    key.derive(issue, CodeLength::new(digits).unwrap())
}

fn templates(product: &str, seconds: u64, digits: u8) -> Result<Templates, TemplateError> {
    Templates::new(&TemplateOptions {
        product_name: product.into(),
        window: Duration::from_secs(seconds),
        code_length: CodeLength::new(digits).unwrap(),
    })
}

/// The runs of digits that are long enough to be a code.
fn numbers(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 4).collect()
}

#[test]
fn the_plain_text_of_a_code_mail() {
    let code = code(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057, 4);
    let mail = templates("Acme", 60, 4).unwrap().code(&code).unwrap();
    assert_eq!(mail.subject, "Your Acme verification code");
    assert_eq!(
        mail.text,
        "Your Acme verification code:\n\
         \n\
         7963\n\
         \n\
         Enter it where you signed up. It is valid for one minute.\n\
         \n\
         Do not share this code with anyone. If you did not sign up for Acme,\n\
         you can safely ignore this email."
    );
}

#[test]
fn the_plain_text_of_the_notice_to_an_owner() {
    let mail = templates("Acme", 60, 4).unwrap().registration_repeated().unwrap();
    assert_eq!(mail.subject, "You already have an account with Acme");
    assert_eq!(
        mail.text,
        "Someone tried to sign up for Acme with your email address.\n\
         \n\
         You already have an account, so nothing has changed.\n\
         \n\
         If it was you, sign in with your existing password.\n\
         If it was not you, you can safely ignore this email."
    );
}

#[test]
fn the_html_loads_nothing_and_runs_nothing() {
    let templates = templates("Acme", 60, 4).unwrap();
    for mail in [templates.code(&code(1, 4)).unwrap(), templates.registration_repeated().unwrap()] {
        for forbidden in
            ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<img"]
        {
            assert!(!mail.html.contains(forbidden), "{forbidden}");
        }
        assert!(mail.html.contains("prefers-color-scheme: dark"));
    }
}

#[test]
fn the_product_name_is_text_in_html() {
    let mail = templates("Tom & <b>Jerry</b>", 60, 4).unwrap().code(&code(1, 4)).unwrap();
    assert_eq!(mail.subject, "Your Tom & <b>Jerry</b> verification code");
    assert!(mail.text.contains("Tom & <b>Jerry</b>"));
    assert!(
        mail.html.contains("Tom &amp; &lt;b&gt;Jerry&lt;&#x2f;b&gt;") && !mail.html.contains("<b>")
    );
}

#[test]
fn what_could_be_mistaken_for_a_code_is_refused() {
    assert!(matches!(templates("Studio 2024", 60, 4), Err(TemplateError::LooksLikeCode(4))));
    assert!(matches!(templates("Call 5551234", 60, 4), Err(TemplateError::LooksLikeCode(4))));
    assert!(templates("Studio 2024", 60, 6).is_ok());
    assert!(matches!(templates("Acme", 10_000 * 3_600, 4), Err(TemplateError::LooksLikeCode(4))));
    for name in ["", "  ", "Acme\r\nBcc: eve@example.com", &"x".repeat(61)] {
        assert!(matches!(templates(name, 60, 4), Err(TemplateError::ProductName)), "{name:?}");
    }
}

proptest! {
    #[test]
    fn the_code_is_the_only_number_and_is_on_its_own_line(
        user: u128,
        digits in 4_u8..=8,
        seconds in 1_u64..100_000,
        product in "[^0-9\\pC]{0,58}[a-zA-Z]",
    ) {
        let code = code(user, digits);
        let mail = templates(&product, seconds, digits).unwrap().code(&code).unwrap();
        prop_assert_eq!(numbers(&mail.text), vec![code.expose()]);
        prop_assert_eq!(mail.text.lines().filter(|line| *line == code.expose()).count(), 1);
        prop_assert!(!mail.subject.contains(code.expose()));
        prop_assert_eq!(numbers(&mail.html), vec![code.expose()]);
        let element = format!(">{}<", code.expose());
        prop_assert!(mail.html.contains(&element));
    }
}
