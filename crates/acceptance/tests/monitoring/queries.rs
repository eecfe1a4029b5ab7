//! Every query of the alerts and of the dashboard returns data once the service has been used.

use acceptance::prometheus::Prometheus;
use acceptance::{Account, Deployment, Journey, Setup, run};
use test_support::eventually;

use crate::dashboard::panels;

#[test]
fn every_query_returns_data_after_load() {
    run(Deployment::Distributed, &Setup::own(), &[], every_query_returns_data);
}

async fn every_query_returns_data(journey: &Journey) {
    let prometheus = Prometheus::watching(&journey.system, str::to_owned).await;
    let alerts = prometheus.alerts().await;
    let of_alerts = alerts.iter().map(|alert| without_threshold(&alert.expression).to_owned());
    let panels = panels();
    let of_panels = panels.iter().flat_map(|panel| panel.queries("1m")).map(|(query, _)| query);
    let queries: Vec<String> = of_alerts.chain(of_panels).collect();
    assert!(queries.len() > 40, "{queries:#?}");
    for query in queries {
        eventually(&format!("data for {query}"), async || {
            use_the_service(journey).await;
            let values = prometheus.query(&query).await;
            values.iter().any(|value| !value.is_nan()).then_some(())
        })
        .await;
    }
    let firing = prometheus.alerts().await.into_iter().filter(|alert| alert.state == "firing");
    let firing: Vec<String> = firing.map(|alert| alert.name).collect();
    assert_eq!(firing, [""; 0], "nothing is wrong");
}

/// What a usual minute consists of.
pub(crate) async fn use_the_service(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let wrong = if mail.code() == "0000" { "1111" } else { "0000" };
    journey.api.activate(&account, wrong).await.expect_problem(400, "code-invalid");
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    let other = Account::new();
    journey.api.register(&other).await.expect_status(201);
    journey.api.resend(&other).await.expect_status(200);
}

/// An alert whose condition does not hold returns nothing: what it compares must be there.
fn without_threshold(expression: &str) -> &str {
    let (compared, threshold) = [" > ", " == "]
        .iter()
        .find_map(|operator| expression.rsplit_once(operator))
        .unwrap_or_else(|| panic!("{expression} ends with no comparison"));
    assert!(threshold.parse::<f64>().is_ok(), "{expression}");
    compared
}
