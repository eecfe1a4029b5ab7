use std::collections::BTreeSet;

use domain::{CodeLength, PasswordLength};
use url::Url;

use super::language::LANGUAGES;
use super::*;

/// Every text is there in every language, and has the same places to fill in.
#[test]
fn no_text_is_missing_in_a_language() {
    let places = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(Into::into).collect()
    };
    let [first, others @ ..] = &LANGUAGES;
    let expected: Vec<_> =
        first.texts().into_iter().map(|(name, text)| (name, places(&text))).collect();
    assert!(expected.len() > 40, "{expected:?}");
    for other in others {
        let actual: Vec<_> =
            other.texts().into_iter().map(|(name, text)| (name, places(&text))).collect();
        assert_eq!(actual, expected, "{}", other.code);
    }
}

/// Every problem and every error of a field that a person can meet here has words of its own.
#[test]
fn the_problems_of_a_registration_have_texts() {
    let texts = LANGUAGES[0].texts();
    for kind in [
        ProblemKind::CodeInvalid,
        ProblemKind::CodeExpired,
        ProblemKind::InvalidCredentials,
        ProblemKind::EmailTaken,
        ProblemKind::RateLimited,
        ProblemKind::TooManyAttempts,
        ProblemKind::Overloaded,
        ProblemKind::Unavailable,
    ] {
        assert!(texts.contains_key(kind.code()), "{}", kind.code());
    }
}

fn page(return_urls: ReturnUrls) -> SignupPage {
    let options = SignupOptions { product: "<b>Ada's</b>".into(), return_urls };
    let length = PasswordLength { min: 8, max: 128 };
    SignupPage::new(options, 60, (CodeLength::new(4).unwrap(), length), true)
}

#[test]
fn every_language_is_rendered_and_escaped() {
    for language in &LANGUAGES {
        let html = page(ReturnUrls::default()).render(language, None).unwrap();
        assert!(html.contains(&format!("lang=\"{}\"", language.code)), "{html}");
        assert!(html.contains(&language.texts()["register_heading"]), "{html}");
        assert!(!html.contains("<b>") && !html.contains("{{") && !html.contains("{min}"), "{html}");
        assert!(!html.contains("id=\"continue\""), "{html}");
    }
}

#[test]
fn all_of_it_has_less_than_30_kb() {
    let html = page(ReturnUrls::default()).render(&LANGUAGES[1], None).unwrap();
    let bytes = html.len() + ASSETS.iter().map(|(_, _, content)| content.len()).sum::<usize>();
    assert!(bytes < 30_000, "{bytes} bytes");
}

#[test]
fn asvs_3_7_2_the_page_leads_to_allowed_origins_only() {
    let home = "https://app.example.com/welcome";
    let origins = ["https://app.example.com", "https://shop.example.com:8443"].map(Into::into);
    let urls = ReturnUrls::new(Some(home), &origins).unwrap();
    for asked in [
        "https://app.example.com/basket?id=1#top",
        "https://shop.example.com:8443/",
        "HTTPS://APP.EXAMPLE.COM/x",
    ] {
        assert_eq!(urls.choose(Some(asked)), Some(Url::parse(asked).unwrap().to_string()));
    }
    for asked in [
        "",
        "/welcome",
        "//app.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://app.example.com/",
        "https://app.example.com:8443/",
        "https://shop.example.com/",
        "https://app.example.com.evil.example/",
        "https://app.example.com@evil.example/",
        "https://evil.example\\@app.example.com/",
        "https://user@app.example.com/",
        "https://evil.example#https://app.example.com/",
        "https:app.example.com.evil.example",
    ] {
        assert_eq!(urls.choose(Some(asked)).as_deref(), Some(home), "{asked}");
    }
    let nowhere = ReturnUrls::default();
    assert_eq!(nowhere.choose(Some(home)), None);
    // A browser reads the URL as the library does.
    let html = page(urls).render(&LANGUAGES[0], Some("https://app.example.com/?a=\"><b>")).unwrap();
    assert!(
        html.contains("href=\"https:&#x2f;&#x2f;app.example.com&#x2f;?a=%22%3E%3Cb%3E\""),
        "{html}"
    );
}

#[test]
fn asvs_3_7_2_a_default_that_is_not_allowed_is_refused() {
    let refusal = |url: &str, origins: &[String]| ReturnUrls::new(Some(url), origins).unwrap_err();
    for url in ["", "welcome", "javascript:alert(1)", "ftp://a.example/", "https://me@a.example/"] {
        assert_eq!(refusal(url, &[]), ReturnUrlError::Malformed, "{url}");
    }
    let other = ["https://app.example.com".to_owned()];
    let expected = ReturnUrlError::NotAllowed("https://a.example".into());
    assert_eq!(refusal("https://a.example/x", &other), expected);
    assert!(ReturnUrls::new(Some("https://a.example/x"), &[]).is_ok());
}
