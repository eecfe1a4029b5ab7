use registration_api::http::{ApiOptions, ReturnUrls, SignupOptions};
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE};

use crate::support::{TestApp, World, options, problem};

const FILES: [&str; 8] = [
    "app.js",
    "proof.js",
    "api.js",
    "countdown.js",
    "texts.js",
    "languages.js",
    "style.css",
    "icon.svg",
];

fn with_page() -> TestApp {
    let return_urls = ReturnUrls::new(Some("https://app.example.com/welcome"), &[]).unwrap();
    let signup = Some(SignupOptions { product: "Engine".into(), return_urls });
    TestApp::start_with(World::default(), ApiOptions { signup, ..options() })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_at_the_root_and_its_files_beside_it() {
    let app = with_page();
    let page = app.get("/").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()[CONTENT_LANGUAGE], "en");
    assert_eq!(page.headers()["vary"], "Accept-Language");
    let html = page.text().await.unwrap();
    assert!(html.contains("Engine") && html.contains("data-window=\"60\""), "{html}");
    for name in FILES {
        let file = app.get(&format!("/signup/{name}")).await;
        assert_eq!(file.status(), 200, "{name}");
        assert!(!file.text().await.unwrap().is_empty(), "{name}");
    }
    problem(app.get("/signup/other.js").await, 404, "not-found").await;
    let request = app.http.get(app.url("/")).header(ACCEPT_LANGUAGE, "fr-CH, en;q=0.5");
    assert_eq!(request.send().await.unwrap().headers()[CONTENT_LANGUAGE], "fr");
    assert_eq!(app.get("/?lang=fr").await.headers()[CONTENT_LANGUAGE], "fr");
    assert_eq!(app.get("/?lang=%00&lang=fr&x=%ff").await.headers()[CONTENT_LANGUAGE], "en");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_page_the_root_leads_to_the_documentation() {
    let app = TestApp::start();
    assert_eq!(app.get("/").await.headers()["location"], "docs");
    problem(app.get("/signup/app.js").await, 404, "not-found").await;
}

/// Nothing inline, nothing from elsewhere, no form that a browser sends by itself.
#[tokio::test(flavor = "multi_thread")]
async fn asvs_3_4_the_sign_up_page_runs_its_own_files_only() {
    let app = with_page();
    let page = app.get("/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{policy}");
    assert_eq!(page.headers()["cross-origin-opener-policy"], "same-origin");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = page.text().await.unwrap();
    for inline in ["<style", " style=", " onclick", "javascript:", "<script>"] {
        assert!(!html.contains(inline), "{inline}");
    }
    let scripts = FILES.iter().filter(|name| name.strip_suffix(".js").is_some());
    for name in scripts {
        let script = app.get(&format!("/signup/{name}")).await.text().await.unwrap();
        for sink in ["innerHTML", "outerHTML", "eval(", "document.write", "localStorage", "cookie"]
        {
            assert!(!script.contains(sink), "{name}: {sink}");
        }
    }
}
