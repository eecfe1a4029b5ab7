//! Templates of the operator's own: checked at the start, and refused with the file and the line.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use domain::{CodeIssue, CodeKey, CodeLength, Languages, UserId, VerificationCode};
use email_worker::{MailContent, TemplateError, TemplateOptions, Templates};
use tempfile::TempDir;
use test_support::CODE_KEY;
use uuid::Uuid;

fn code() -> VerificationCode {
    let key = CodeKey::from_hex(CODE_KEY).unwrap();
    let issue = CodeIssue { user_id: UserId::from_uuid(Uuid::from_u128(7)), number: 1 };
    key.derive(issue, CodeLength::new(4).unwrap())
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load(folder: &Path) -> Result<Templates, TemplateError> {
    Templates::new(&TemplateOptions {
        product_name: "Acme".into(),
        accent_color: "#4f5bd5".into(),
        footer: "Acme Inc.".into(),
        default_language: "en".into(),
        directory: Some(folder.to_owned()),
        window: Duration::from_mins(1),
        code_length: CodeLength::new(4).unwrap(),
    })
}

fn code_mail(folder: &TempDir, language: &str) -> MailContent {
    load(folder.path()).unwrap().code(&Languages::from_stored(language), &code())
}

/// The sentence that refuses these files, with `…` for the folder.
fn refusal(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = load(folder.path()).unwrap_err();
    assert_eq!(error.setting(), "mail.templates_dir");
    error.to_string().replace(folder.path().to_str().unwrap(), "…")
}

#[test]
fn what_is_not_there_is_built_in() {
    let folder = folder(&[
        ("fr/code.txt", "{{ product }} : {{ code }}, {{ window }}\n"),
        (".git/config", "of no interest"),
    ]);
    let french = code_mail(&folder, "fr");
    let code = code();
    assert_eq!(french.text, format!("Acme : {}, une\u{a0}minute", code.expose()));
    assert_eq!(french.subject, "Votre code de vérification Acme");
    assert!(code_mail(&folder, "en").text.starts_with("Your Acme verification code:"));
}

#[test]
fn a_layout_is_shared_by_all_languages() {
    let layout = "<p lang={{ language }}>{% block card %}{% endblock %}{{ footer[0] }}</p>";
    let folder = folder(&[("layout.html", layout)]);
    for language in ["en", "fr"] {
        let html = code_mail(&folder, language).html;
        assert!(
            html.starts_with(&format!("<p lang={language}>")) && html.ends_with("Acme Inc.</p>")
        );
        assert!(html.contains(code().expose()));
    }
}

#[test]
fn a_further_language_is_a_folder() {
    let german = [
        ("de/window.txt", "{{ amount }} {{ unit }}"),
        ("de/code.subject.txt", "Ihr Code für {{ product }}"),
        ("de/code.txt", "Ihr Code: {{ code }}"),
        ("de/code.html", "<p>{{ code }}</p>"),
        ("de/registration_repeated.subject.txt", "Sie haben schon ein Konto"),
        ("de/registration_repeated.txt", "Nichts hat sich geändert."),
        ("de/registration_repeated.html", "<p>Nichts hat sich geändert.</p>"),
    ];
    let mail = code_mail(&folder(&german), "de-CH,en");
    assert_eq!((mail.language.as_str(), mail.subject.as_str()), ("de", "Ihr Code für Acme"));
    assert_eq!(
        refusal(&german[..6]),
        "the language de has no registration_repeated.html: one that is not built in needs every file"
    );
}

#[test]
fn broken_templates_are_refused_with_file_and_line() {
    for (name, text, expected) in [
        ("fr/code.txt", "{{ code }}\n\n{% if product %}", "…/fr/code.txt, line 3: syntax error: "),
        ("fr/code.txt", "{{ code }}\n{{ produkt }}", "…/fr/code.txt, line 2: undefined value"),
        (
            "en/code.html",
            "{{ code }}\n{% include 'x' %}",
            "…/en/code.html, line 2: template not found",
        ),
        ("en/code.html", "{{ code }}{{ code|shout }}", "…/en/code.html, line 1: unknown filter"),
        ("layout.html", "<b>\n{{ 1 / 0 }}", "…/layout.html, line 2: invalid operation"),
        ("en/code.txt", "Hello", "…/en/code.txt does not show the code"),
        (
            "fr/code.html",
            "<p>{{ code[0] }}-{{ code[1:] }}</p>",
            "…/fr/code.html does not show the code",
        ),
        ("en/code.txt", "{{ code }} of 2026", "…/en/code.txt shows the number 2026"),
        ("en/code.subject.txt", "{{ code }}", "…/en/code.subject.txt, line 1: undefined value"),
        (
            "en/code.subject.txt",
            "a\nBcc: eve@evil.example",
            "…/en/code.subject.txt must be one line",
        ),
        ("en/code.subject.txt", " \n", "…/en/code.subject.txt must be one line"),
        (
            "fr/code.htm",
            "{{ code }}",
            "…/fr/code.htm is not the name of a template; these are: window",
        ),
        ("code.txt", "{{ code }}", "…/code.txt is not the name of a template; these are: layout"),
        ("fr_CA/code.txt", "{{ code }}", "…/fr_CA is not named after a language"),
    ] {
        let sentence = refusal(&[(name, text)]);
        assert!(sentence.starts_with(expected), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let sentence = load(Path::new("/nowhere/at/all")).unwrap_err().to_string();
    assert!(sentence.starts_with("/nowhere/at/all cannot be read: "), "{sentence}");
    let folder = folder(&[]);
    fs::create_dir(folder.path().join("fr")).unwrap();
    fs::write(folder.path().join("fr/code.txt"), b"\xff\xfe").unwrap();
    let sentence = load(folder.path()).unwrap_err().to_string();
    assert!(sentence.contains("fr/code.txt cannot be read: "), "{sentence}");
}
