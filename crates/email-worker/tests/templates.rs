//! What the mails say: the code cannot be missed, and nothing else can be mistaken for it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use domain::{CodeIssue, CodeKey, CodeLength, Languages, UserId, VerificationCode};
use email_worker::{MailContent, TemplateError, TemplateOptions, Templates};
use proptest::prelude::*;
use test_support::CODE_KEY;
use uuid::Uuid;

/// Those that are built in.
const LANGUAGES: [&str; 2] = ["en", "fr"];

fn code(user: u128, digits: u8) -> VerificationCode {
    let key = CodeKey::from_hex(CODE_KEY).unwrap();
    let issue = CodeIssue { user_id: UserId::from_uuid(Uuid::from_u128(user)), number: 1 };
    key.derive(issue, CodeLength::new(digits).unwrap())
}

fn options() -> TemplateOptions {
    TemplateOptions {
        product_name: "Acme".into(),
        accent_color: "#4f5bd5".into(),
        footer: String::new(),
        default_language: "en".into(),
        directory: None,
        window: Duration::from_mins(1),
        code_length: CodeLength::new(4).unwrap(),
    }
}

fn templates(product: &str, seconds: u64, digits: u8) -> Result<Templates, TemplateError> {
    Templates::new(&TemplateOptions {
        product_name: product.into(),
        window: Duration::from_secs(seconds),
        code_length: CodeLength::new(digits).unwrap(),
        ..options()
    })
}

fn wanting(languages: &str) -> Languages {
    Languages::from_stored(languages)
}

/// Both mails in one language.
fn mails_in(templates: &Templates, language: &str, code: &VerificationCode) -> [MailContent; 2] {
    let wanted = wanting(language);
    [templates.code(&wanted, code), templates.registration_repeated(&wanted)]
}

/// The runs of digits that are long enough to be a code.
fn numbers(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 4).collect()
}

/// Each mail in each language. Ordinary spaces and those that keep words together look alike, so
/// the latter are shown as `⍽`.
#[test]
fn the_mails_say_what_they_said_before() {
    let footer = "Acme Inc. <acme@example.com>\n1 rue de l’Exemple, 75001 Paris";
    let templates =
        Templates::new(&TemplateOptions { footer: footer.into(), ..options() }).unwrap();
    let code = code(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057, 4);
    for language in LANGUAGES {
        let [code, notice] = mails_in(&templates, language, &code);
        for (name, mail) in [("code", code), ("registration_repeated", notice)] {
            assert_eq!(mail.language, language);
            let shown = |text: &str| text.replace(['\u{a0}', '\u{202f}'], "⍽");
            let text = format!("Subject: {}\n\n{}", shown(&mail.subject), shown(&mail.text));
            insta::assert_snapshot!(format!("{name}.{language}.txt"), text);
            insta::assert_snapshot!(format!("{name}.{language}.html"), shown(&mail.html));
        }
    }
}

#[test]
fn the_best_language_that_there_is_is_chosen() {
    let templates = Templates::new(&TemplateOptions { default_language: "FR".into(), ..options() });
    let templates = templates.unwrap();
    for (wanted, language) in [
        ("en-GB", "en"),
        ("fr-CA,en", "fr"),
        ("de,EN,fr", "en"),
        ("de", "fr"),
        ("", "fr"),
        ("french", "fr"),
    ] {
        let [code, notice] = mails_in(&templates, wanted, &code(1, 4));
        assert_eq!((code.language.as_str(), notice.language.as_str()), (language, language));
        assert!(code.html.contains(&format!("<html lang=\"{language}\"")), "{wanted}");
    }
    let refused = Templates::new(&TemplateOptions { default_language: "de".into(), ..options() });
    assert!(matches!(refused, Err(TemplateError::DefaultLanguage(there)) if there == "en, fr"));
}

#[test]
fn french_keeps_its_punctuation_and_units_on_the_line() {
    let templates = templates("Acme", 45, 4).unwrap();
    for mail in mails_in(&templates, "fr", &code(1, 4)) {
        for text in [&mail.subject, &mail.text] {
            for mark in [" :", " ;", " !", " ?", " »", "« ", "'"] {
                assert!(!text.contains(mark), "{mark:?} in {text}");
            }
        }
        let unseen = |text: &str| text.contains('\u{a0}');
        assert!(unseen(&mail.text) && unseen(&mail.html));
    }
}

#[test]
fn the_html_loads_nothing_and_runs_nothing() {
    let templates = templates("Acme", 60, 4).unwrap();
    for mail in LANGUAGES.into_iter().flat_map(|tag| mails_in(&templates, tag, &code(1, 4))) {
        for forbidden in
            ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<img"]
        {
            assert!(!mail.html.contains(forbidden), "{forbidden}");
        }
        assert!(mail.html.contains("prefers-color-scheme: dark"));
    }
}

#[test]
fn settings_are_text_in_html() {
    let hostile = "Tom & <b>\"Jerry\"</b>";
    let options = TemplateOptions {
        product_name: hostile.into(),
        footer: format!("{hostile}\n{{{{ code }}}}"),
        ..options()
    };
    let templates = Templates::new(&options).unwrap();
    for mail in LANGUAGES.into_iter().flat_map(|tag| mails_in(&templates, tag, &code(1, 4))) {
        assert!(mail.subject.contains(hostile) && mail.text.contains(hostile));
        assert!(mail.text.ends_with("{{ code }}"));
        let escaped = "Tom &amp; &lt;b&gt;&quot;Jerry&quot;&lt;&#x2f;b&gt;";
        assert!(mail.html.contains(escaped) && !mail.html.contains("<b>"), "{}", mail.html);
    }
}

#[test]
fn what_could_be_mistaken_for_a_code_is_refused() {
    let is_lookalike = |refused| matches!(refused, Err(TemplateError::NameLooksLikeCode(4)));
    assert!(is_lookalike(templates("Studio 2024", 60, 4)));
    assert!(is_lookalike(templates("Call 5551234", 60, 4)));
    assert!(templates("Studio 2024", 60, 6).is_ok());
    assert!(matches!(
        templates("Acme", 1_000 * 3_600, 4),
        Err(TemplateError::WindowLooksLikeCode(said)) if said == "1000 hours"
    ));
    for name in ["", "  ", "Acme\r\nBcc: eve@example.com", &"x".repeat(61), "\u{f0de}"] {
        assert!(matches!(templates(name, 60, 4), Err(TemplateError::ProductName)), "{name:?}");
    }
}

proptest! {
    #[test]
    fn the_code_is_the_only_number_and_is_on_its_own_line(
        user: u128,
        digits in 4_u8..=8,
        seconds in 1_u64..100_000,
        product in "[^0-9\\pC\\p{Zl}\\p{Zp}]{0,58}[a-zA-Z]",
        language in prop::sample::select(LANGUAGES.to_vec()),
    ) {
        let code = code(user, digits);
        let templates = templates(&product, seconds, digits).unwrap();
        let mail = templates.code(&wanting(language), &code);
        prop_assert_eq!(numbers(&mail.text), vec![code.expose()]);
        prop_assert_eq!(mail.text.lines().filter(|line| *line == code.expose()).count(), 1);
        prop_assert!(!mail.subject.contains(code.expose()));
        // A colour may have many digits too.
        let without_colors = mail.html.replace("#4f5bd5", "");
        prop_assert_eq!(numbers(&without_colors), vec![code.expose()]);
        let element = format!(">{}<", code.expose());
        prop_assert!(mail.html.contains(&element));
    }
}
