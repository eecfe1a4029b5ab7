//! What is there to be looked at: documentation, the description of the API, health.

use reqwest::Method;

use acceptance::{Client, Journey, Secrets, Setup, journeys};
use test_support::eventually;

journeys!(both {
    the_documentation_is_served_and_needs_no_network: Setup::ordinary(), [];
    the_description_of_the_api_is_served: Setup::ordinary(), ["GET /api/v1/openapi.json 200"];
    asvs_4_1_1_whoever_reads_no_json_is_told_so: Setup::ordinary(), [
        "GET /api/v1/openapi.json 406", "GET /health/live 406", "GET /health/ready 406"
    ];
    asvs_13_4_5_metrics_have_a_listener_of_their_own: Setup::ordinary(), [];
    head_is_answered_wherever_get_is: Setup::ordinary(), [];
    probes_may_ask_for_plain_text: Setup::ordinary(), [];
    health_tells_of_every_dependency: Setup::ordinary(), ["GET /health/live 200", "GET /health/ready 200"];
});

async fn the_documentation_is_served_and_needs_no_network(journey: &Journey) {
    let page = journey.api.get("/docs").await;
    page.expect_status(200);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    for elsewhere in ["src=\"http", "href=\"http", "src=\"//", "href=\"//"] {
        assert!(!page.body.contains(elsewhere), "{elsewhere} in {}", page.body);
    }
}

async fn the_description_of_the_api_is_served(journey: &Journey) {
    let description = journey.api.get("/api/v1/openapi.json").await;
    description.expect_status(200);
    assert!(description.header("content-type").starts_with("application/json"));
    let description = description.json();
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.")));
    for path in ["/api/v1/users/register", "/api/v1/users/activate", "/api/v1/users/resend-code"] {
        assert!(description["paths"][path]["post"].is_object(), "{path} is not described");
    }
}

async fn health_tells_of_every_dependency(journey: &Journey) {
    journey.api.get("/health/live").await.expect_status(200);
    // One that a stalled machine has kept from answering in time is found again.
    let ready = eventually("everything being up", async || {
        let ready = journey.api.get("/health/ready").await;
        (ready.status == 200 && ready.json()["status"] == "ready").then_some(ready)
    })
    .await;
    let body = ready.json();
    let dependencies = body["dependencies"].as_object().expect("the state of each dependency");
    assert!(!dependencies.is_empty(), "{ready:?}");
    assert!(dependencies.values().all(|dependency| dependency["status"] == "up"), "{ready:?}");
}

async fn asvs_13_4_5_metrics_have_a_listener_of_their_own(journey: &Journey) {
    journey.activated().await;
    journey.api.get("/metrics").await.expect_problem(404, "not-found");
    let operator = Client::new(&journey.system.addresses.operator, Secrets::default());
    let metrics = operator.get("/metrics").await;
    metrics.expect_status(200);
    assert!(metrics.body.contains("registration_activations_total"), "{metrics:?}");
    operator.get("/health/live").await.expect_status(200);
    operator.get("/health/ready").await.expect_status(200);
}

async fn asvs_4_1_1_whoever_reads_no_json_is_told_so(journey: &Journey) {
    for path in ["/api/v1/openapi.json", "/health/live", "/health/ready"] {
        let request = journey.api.request(Method::GET, path).header("accept", "image/png");
        journey.api.send(request).await.expect_problem(406, "not-acceptable");
    }
}

async fn head_is_answered_wherever_get_is(journey: &Journey) {
    let operator = Client::new(&journey.system.addresses.operator, Secrets::default());
    let of_operator = ["/metrics", "/health/live", "/health/ready"].map(|path| (&operator, path));
    let of_api =
        ["/docs", "/docs/problems", "/api/v1/openapi.json", "/health/live", "/health/ready"];
    for (client, path) in of_api.map(|path| (&journey.api, path)).into_iter().chain(of_operator) {
        let head = client.send(client.request(Method::HEAD, path)).await;
        let get = client.get(path).await;
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

async fn probes_may_ask_for_plain_text(journey: &Journey) {
    let operator = Client::new(&journey.system.addresses.operator, Secrets::default());
    for client in [&journey.api, &operator] {
        for path in ["/health/live", "/health/ready"] {
            let request = client.request(Method::GET, path).header("accept", "text/plain");
            client.send(request).await.expect_status(200);
        }
    }
}
