//! A picture of the dashboard's panels, from what a real Prometheus has scraped of a service under
//! load, whose broker is away for a while.
//!
//! `UPDATE_PICTURES=1 DASHBOARD_SECONDS=200 cargo xtask test -- --test monitoring pictures` draws
//! `docs/dashboard.svg` anew. Otherwise ten seconds are drawn into `target/artefacts`, and the
//! picture in `docs` is checked to have the panels that the dashboard has.

use std::path::Path;
use std::time::Duration;

use acceptance::prometheus::{Prometheus, Series};
use acceptance::{Account, Deployment, Journey, Setup, run, target_directory};
use tokio::time::{Instant, sleep};

use crate::charts::{Chart, draw};
use crate::dashboard::{Panel, panels};
use crate::queries::use_the_service;

const USUAL_SECONDS: u64 = 10;

/// Between two uses of the service.
const PAUSE: Duration = Duration::from_millis(250);

#[test]
fn every_panel_can_be_drawn() {
    run(Deployment::Distributed, &Setup::own().expecting_errors(), &[], every_panel);
}

async fn every_panel(journey: &Journey) {
    let prometheus = Prometheus::watching(&journey.system, str::to_owned).await;
    let seconds = std::env::var("DASHBOARD_SECONDS");
    let length = Duration::from_secs(seconds.map_or(USUAL_SECONDS, |text| text.parse().unwrap()));
    let began = Instant::now();
    use_until(journey, began + length * 2 / 5).await;
    journey.system.servers().rabbitmq.cut().await;
    register_until(journey, began + length * 3 / 5).await;
    journey.system.servers().rabbitmq.restore().await;
    use_until(journey, began + length).await;

    let mut charts = Vec::new();
    for panel in panels() {
        charts.push(chart(&prometheus, panel, began.elapsed()).await);
    }
    let folder = target_directory().join("artefacts");
    std::fs::create_dir_all(&folder).unwrap();
    let fresh = draw(&folder.join("dashboard.svg"), &charts);
    let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dashboard.svg");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&documented, &fresh).unwrap();
    }
    let documented = std::fs::read_to_string(&documented).unwrap();
    for Chart { title, series, .. } in &charts {
        assert!(!series.is_empty(), "{title} shows nothing");
        assert!(documented.contains(title), "{title} is missing: draw docs/dashboard.svg anew");
    }
}

async fn use_until(journey: &Journey, end: Instant) {
    while Instant::now() < end {
        use_the_service(journey).await;
        sleep(PAUSE).await;
    }
}

/// What can be done while no mail arrives.
async fn register_until(journey: &Journey, end: Instant) {
    while Instant::now() < end {
        journey.api.register(&Account::new()).await.expect_status(201);
        sleep(PAUSE).await;
    }
}

async fn chart(prometheus: &Prometheus, panel: Panel, length: Duration) -> Chart {
    let mut series = Vec::new();
    for (query, name) in panel.queries("10s") {
        for found in prometheus.range(&query, length.as_secs_f64()).await {
            series.push((named(&name, &found), found.points));
        }
    }
    Chart { title: panel.title, unit: panel.unit, seconds: length.as_secs_f64(), series }
}

/// The name of a series: `{{label}}` is the label's value.
fn named(name: &str, series: &Series) -> String {
    let labels = series.labels.iter();
    labels.fold(name.to_owned(), |name, (label, value)| {
        name.replace(&format!("{{{{{label}}}}}"), value)
    })
}
