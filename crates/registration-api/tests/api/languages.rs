//! The languages that a person reads: those of the mails, and that of the answers.

use registration_api::http::ApiOptions;
use registration_api::use_cases::ExistingAccount;
use reqwest::Response;
use reqwest::header::ACCEPT_LANGUAGE;
use serde_json::{Value, json};

use crate::support::{EMAIL, PASSWORD, TestApp, World, code, faults, options, problem, wrong_code};

const REGISTER: &str = "/api/v1/users/register";

/// Which languages a user is registered with.
async fn registered_with(header: Option<&str>, locale: Option<&str>) -> String {
    let app = TestApp::start();
    let mut body = json!({"email": EMAIL, "password": PASSWORD});
    if let Some(locale) = locale {
        body["locale"] = locale.into();
    }
    let mut request = app.post(REGISTER).json(&body);
    if let Some(header) = header {
        request = request.header(ACCEPT_LANGUAGE, header);
    }
    assert_eq!(request.send().await.unwrap().status(), 201);
    app.world.users.get(EMAIL).unwrap().languages().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_locale_counts_before_the_header() {
    assert_eq!(registered_with(None, None).await, "");
    assert_eq!(registered_with(Some("en;q=0.5, fr-CA"), None).await, "fr-CA,en");
    assert_eq!(registered_with(Some("en"), Some("pt-br")).await, "pt-BR");
    assert_eq!(registered_with(Some(" ; ,\t*"), None).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locale_that_is_none_is_refused() {
    let app = TestApp::start();
    let long = "x".repeat(36);
    let cases: [(Value, &str); 8] = [
        (json!(""), "locale-malformed"),
        (json!("fr_CA"), "locale-malformed"),
        (json!("fr,en"), "locale-malformed"),
        (json!("fr\r\nBcc: eve@evil.example"), "locale-malformed"),
        (json!("\u{0}"), "locale-malformed"),
        (json!(long), "locale-too-long"),
        (json!(1), "wrong-type"),
        (Value::Null, "wrong-type"),
    ];
    for (locale, code) in cases {
        let body = json!({"email": EMAIL, "password": PASSWORD, "locale": locale});
        let response = app.post(REGISTER).json(&body).send().await.unwrap();
        let document = problem(response, 422, "validation-failed").await;
        assert_eq!(faults(&document), [("/locale", code)], "{locale}");
    }
    let twice =
        format!(r#"{{"email":"{EMAIL}","password":"{PASSWORD}","locale":"fr","locale":"en"}}"#);
    let request = app.post(REGISTER).header("content-type", "application/json").body(twice);
    let document = problem(request.send().await.unwrap(), 422, "validation-failed").await;
    assert_eq!(faults(&document), [("/locale", "duplicate")]);
    assert!(app.world.users.get(EMAIL).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_request_for_a_code_chooses_the_language() {
    let app = TestApp::start();
    let body = json!({"email": EMAIL, "password": PASSWORD, "locale": "fr"});
    assert_eq!(app.post(REGISTER).json(&body).send().await.unwrap().status(), 201);
    let languages = || app.world.users.get(EMAIL).unwrap().languages().to_string();
    assert_eq!(app.resend(EMAIL, PASSWORD).await.status(), 200);
    assert_eq!(languages(), "fr", "nothing new was said");
    let resend = app.post("/api/v1/users/resend-code").basic_auth(EMAIL, Some(PASSWORD));
    let response = resend.header(ACCEPT_LANGUAGE, "de, en;q=0.1").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(languages(), "de,en");
}

/// The headers that say which language an answer is in, and that it depends on the client's.
fn language_of(response: &Response) -> (Option<&str>, String) {
    let headers = response.headers();
    let vary: Vec<_> =
        headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    (headers.get("content-language").map(|value| value.to_str().unwrap()), vary.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_in_the_language_of_the_client() {
    let app = TestApp::start();
    let body = json!({"email": EMAIL, "password": PASSWORD, "locale": "de"});
    let register = || app.post(REGISTER).json(&body).header(ACCEPT_LANGUAGE, "fr-CH, en;q=0.5");
    let response = register().send().await.unwrap();
    assert_eq!(language_of(&response), (Some("fr"), "Accept-Language".into()));
    let message = response.json::<Value>().await.unwrap()["message"].clone();
    let expected =
        "Un code est en route. Renvoyez-le dans les 60\u{a0}secondes qui suivent son envoi.";
    assert_eq!(message, expected);

    let response = register().send().await.unwrap();
    assert_eq!(language_of(&response), (Some("fr"), "Accept-Language".into()));
    let document = problem(response, 409, "email-taken").await;
    assert_eq!(document["title"], "Adresse déjà prise");

    let invalid = json!({"email": "nobody", "password": "short", "locale": 1});
    let request = app.post(REGISTER).json(&invalid).header(ACCEPT_LANGUAGE, "fr");
    let document = problem(request.send().await.unwrap(), 422, "validation-failed").await;
    let details: Vec<_> =
        document["errors"].as_array().unwrap().iter().map(|e| &e["detail"]).collect();
    assert_eq!(
        details,
        [
            "ce n’est pas une adresse e-mail de la forme nom@example.com",
            "un mot de passe a au moins 8\u{a0}caractères",
            "une chaîne est requise",
        ]
    );

    let resend = app.post("/api/v1/users/resend-code").basic_auth(EMAIL, Some(PASSWORD));
    let response = resend.header(ACCEPT_LANGUAGE, "fr").send().await.unwrap();
    assert_eq!(language_of(&response), (Some("fr"), "Accept-Language".into()));
    let issue = app.world.users.get(EMAIL).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    let activate = |code: String| {
        let request = app.post("/api/v1/users/activate").basic_auth(EMAIL, Some(PASSWORD));
        request.json(&json!({"code": code})).header(ACCEPT_LANGUAGE, "fr")
    };
    let document =
        problem(activate(wrong_code(issue)).send().await.unwrap(), 400, "code-invalid").await;
    assert_eq!(document["detail"], "Le code est faux. Il peut être essayé encore 4\u{a0}fois.");
    let response = activate(code(issue)).send().await.unwrap();
    assert_eq!(language_of(&response), (Some("fr"), "Accept-Language".into()));
    assert_eq!(response.json::<Value>().await.unwrap()["message"], "Le compte est actif.");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_clients_read_english() {
    let app = TestApp::start();
    for header in [None, Some("de, *"), Some("\u{b5}"), Some("fr;q=0, de")] {
        let mut request = app.http.get(app.url("/nowhere"));
        if let Some(header) = header {
            request = request.header(ACCEPT_LANGUAGE, header.as_bytes());
        }
        let response = request.send().await.unwrap();
        assert_eq!(language_of(&response), (Some("en"), "Accept-Language".into()), "{header:?}");
        assert_eq!(problem(response, 404, "not-found").await["title"], "Not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_texts_for_people_does_not_vary() {
    let app = TestApp::start();
    for path in
        ["/health/live", "/health/ready", "/api/v1/openapi.json", "/docs", "/docs/style.css"]
    {
        let request = app.http.get(app.url(path)).header(ACCEPT_LANGUAGE, "fr");
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}");
        assert_eq!(language_of(&response), (None, String::new()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_get_both_reasons_to_vary() {
    let allowed_origins = vec!["https://app.example".to_owned()];
    let app = TestApp::start_with(World::default(), ApiOptions { allowed_origins, ..options() });
    let body = json!({"email": EMAIL, "password": PASSWORD});
    for status in [201, 409] {
        let request = app.post(REGISTER).json(&body).header("origin", "https://app.example");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let (_, vary) = language_of(&response);
        assert!(vary.contains("Origin") && vary.contains("Accept-Language"), "{vary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_in_conceal_mode_every_language_tells_as_little() {
    let options = ApiOptions { existing_account: ExistingAccount::Conceal, ..options() };
    let app = TestApp::start_with(World::default(), options);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let request = app.post(REGISTER).json(&body).header(ACCEPT_LANGUAGE, "fr");
        let response = request.send().await.unwrap();
        let language = language_of(&response);
        assert_eq!(language.0, Some("fr"));
        answers.push((response.status(), language.1.clone(), response.text().await.unwrap()));
    }
    assert_eq!(answers[0], answers[1]);
}
