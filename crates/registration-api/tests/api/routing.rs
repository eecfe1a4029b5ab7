use actix_web::http::Method;

use test_support::soon;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestApp, World, behind_a_proxy, options, problem};

const POST: [&str; 3] =
    ["/api/v1/users/register", "/api/v1/users/activate", "/api/v1/users/resend-code"];
const GET: [&str; 5] =
    ["/api/v1/openapi.json", "/health/live", "/health/ready", "/docs", "/docs/problems"];

/// What the API reads, and what browsers' tracing and request libraries add by themselves.
const ALLOWED_HEADERS: &str = "accept, authorization, baggage, content-type, sentry-trace, traceparent, tracestate, x-requested-with";

fn request(app: &TestApp, method: &str, path: &str) -> reqwest::RequestBuilder {
    app.http.request(method.parse().unwrap(), app.url(path))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_404() {
    let app = TestApp::start();
    for path in [
        "/nothing",
        "/api",
        "/api/v1/users/register/",
        "/api/v1/users/%2e%2e",
        "/docs/nothing.js",
        "/%00",
        "//",
    ] {
        problem(app.get(path).await, 404, "not-found").await;
        problem(app.post("/nothing").send().await.unwrap(), 404, "not-found").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_13_4_5_metrics_are_not_where_clients_are() {
    let app = TestApp::start();
    problem(app.get("/metrics").await, 404, "not-found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_4_1_1_an_unknown_method_is_405_with_allow() {
    let app = TestApp::start();
    for (paths, allow, methods) in [
        (&POST[..], "POST", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"]),
        (&GET[..], "GET, HEAD", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]),
    ] {
        for path in paths {
            for method in methods {
                let response = request(&app, method, path).send().await.unwrap();
                assert_eq!(response.headers()["allow"], allow, "{method} {path}");
                if method == Method::HEAD.as_str() {
                    assert_eq!(response.status(), 405);
                } else {
                    problem(response, 405, "method-not-allowed").await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_4_1_1_a_client_that_reads_no_json_is_406() {
    let app = TestApp::start();
    for path in POST {
        let response = app.post(path).header("accept", "text/html").send().await.unwrap();
        problem(response, 406, "not-acceptable").await;
    }
    for path in &GET[..3] {
        let response =
            request(&app, "GET", path).header("accept", "application/xml").send().await.unwrap();
        problem(response, 406, "not-acceptable").await;
    }
    for accept in ["*/*", "application/problem+json", "text/html, application/json;q=0.5"] {
        let response =
            request(&app, "GET", "/health/live").header("accept", accept).send().await.unwrap();
        assert_eq!(response.status(), 200, "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_reads_plain_text_gets_the_status_alone() {
    let app = TestApp::start();
    for (path, expected) in [("/health/live", "live\n"), ("/health/ready", "ready\n")] {
        let response =
            request(&app, "GET", path).header("accept", "text/plain").send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(response.text().await.unwrap(), expected);
    }
}

async fn answer_to(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_9110_the_server_as_a_whole_answers_options() {
    let app = TestApp::start();
    let answer =
        answer_to(&app, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let answer = answer_to(&app, "GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_9112_a_host_that_is_none_is_400() {
    let app = TestApp::start();
    for (host, status) in
        [("a b", 400), ("a/b", 400), ("user@a", 400), ("example.com:8000", 200), ("[::1]", 200)]
    {
        let request =
            format!("GET /health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = answer_to(&app, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {answer}");
        assert_eq!(answer.contains("bad-request"), status == 400, "{host}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_14_3_2_every_answer_has_the_security_headers() {
    let app = TestApp::start();
    for path in [
        "/",
        "/nothing",
        "/docs",
        "/docs/start.js",
        "/health/live",
        "/api/v1/openapi.json",
        POST[0],
    ] {
        let response = app.get(path).await;
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
        // The files of the documentation are the same for everybody.
        if !path.starts_with("/docs/") {
            assert_eq!(headers["cache-control"], "no-store", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_the_trace_that_a_proxy_passes_on_or_a_new_one() {
    let app = TestApp::start_with(World::default(), behind_a_proxy());
    let id = async |traces: &[&str]| {
        let request = traces.iter().fold(request(&app, "GET", "/health/live"), |request, trace| {
            request.header("traceparent", *trace)
        });
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(id(&[trace]).await, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(id(&[&trace.replacen("00", "42", 1)]).await, "4bf92f3577b34da6a3ce929d0e0e4736");
    let fresh = [id(&[]).await, id(&["00-evil"]).await, id(&[trace, trace]).await];
    assert!(fresh.iter().all(|id| id.len() == 32 && !id.starts_with("4bf9")), "{fresh:?}");
    assert!(fresh[0] != fresh[1] && fresh[1] != fresh[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cors_is_for_configured_origins_only() {
    let origin = "https://app.example.com";
    let mut options = options();
    options.allowed_origins = vec![origin.into()];
    let app = TestApp::start_with(World::default(), options);
    let preflight = |origin: &'static str| {
        request(&app, "OPTIONS", POST[0])
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", ALLOWED_HEADERS)
            .send()
    };
    let response = preflight(origin).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], origin);
    assert!(!response.headers().contains_key("access-control-allow-credentials"));
    let allowed =
        response.headers()["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
    for header in ALLOWED_HEADERS.split(", ") {
        assert!(
            allowed.split(',').any(|name| name.trim() == header),
            "{header} is not in {allowed}"
        );
    }
    let response = preflight("https://evil.example").await.unwrap();
    assert!(!response.headers().contains_key("access-control-allow-origin"));
    let response =
        request(&app, "GET", "/health/live").header("origin", origin).send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], origin);
}
