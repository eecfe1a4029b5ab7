//! The panels of `deploy/grafana/dashboard.json`.

use acceptance::prometheus::deployed;
use serde_json::Value;

/// A panel that shows something.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What Grafana calls it.
    pub(crate) unit: String,
    targets: Vec<(String, String)>,
}

impl Panel {
    /// Its queries, with what each series is called, in Grafana's `{{label}}` form.
    pub(crate) fn queries(&self, rate_interval: &str) -> Vec<(String, String)> {
        let queries = self.targets.iter();
        queries
            .map(|(query, name)| (query.replace("$__rate_interval", rate_interval), name.clone()))
            .collect()
    }
}

/// All of them, in their order.
pub(crate) fn panels() -> Vec<Panel> {
    let dashboard = std::fs::read_to_string(deployed("grafana/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let lists = variables.iter().filter(|variable| variable["type"] == "query");
    assert_eq!(lists.count(), 0, "variables would be queries too");
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row").map(read).collect()
}

fn read(panel: &Value) -> Panel {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let target = |target: &Value| (text(&target["expr"]), text(&target["legendFormat"]));
    Panel {
        title: text(&panel["title"]),
        unit: text(&panel["fieldConfig"]["defaults"]["unit"]),
        targets: panel["targets"].as_array().unwrap().iter().map(target).collect(),
    }
}
