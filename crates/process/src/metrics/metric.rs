//! One line of a table of metrics.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// A label and its values that are known in advance.
pub type Label = (&'static str, &'static [&'static str]);

/// A metric: what it is called and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, with the unit and the suffix that Prometheus' conventions ask for.
    pub name: &'static str,
    /// What it counts or measures.
    pub help: &'static str,
    /// What can be done with it.
    pub kind: Kind,
    /// Its labels. Every combination of the values known in advance is there from the start.
    pub labels: &'static [Label],
}

/// What a metric is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Counts up, from zero at the start of the process.
    Counter,
    /// A value of the moment. It is absent until it is measured, and NaN while it cannot be.
    Gauge,
    /// 1 while something is so and 0 while it is not, as it is at the start.
    Flag,
    /// Samples, in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

impl Metric {
    /// A counter.
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter, labels: &[] }
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge, labels: &[] }
    }

    /// A flag.
    pub const fn flag(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Flag, labels: &[] }
    }

    /// A histogram.
    pub const fn histogram(
        name: &'static str,
        help: &'static str,
        buckets: &'static [f64],
    ) -> Self {
        Self { name, help, kind: Kind::Histogram(buckets), labels: &[] }
    }

    /// The same metric with labels.
    #[must_use]
    pub const fn by(mut self, labels: &'static [Label]) -> Self {
        self.labels = labels;
        self
    }

    /// Tells the installed recorder what the metric means, and lets its series begin: what has
    /// never happened must not look like what is not counted.
    pub(super) fn register(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, self.help),
            Kind::Gauge | Kind::Flag => describe_gauge!(self.name, self.help),
            Kind::Histogram(_) => describe_histogram!(self.name, self.help),
        }
        for labels in self.series() {
            match self.kind {
                Kind::Counter => counter!(self.name, &labels).increment(0),
                Kind::Flag => gauge!(self.name, &labels).set(0.0),
                Kind::Histogram(_) => drop(histogram!(self.name, &labels)),
                Kind::Gauge => {}
            }
        }
    }

    /// Every combination of the label values that are known in advance.
    fn series(&self) -> Vec<Vec<(&'static str, &'static str)>> {
        self.labels.iter().fold(vec![Vec::new()], |series, (label, values)| {
            let extended = |labels: &Vec<_>| {
                let labels = labels.clone();
                values.iter().map(move |value| [&labels[..], &[(*label, *value)]].concat())
            };
            series.iter().flat_map(extended).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    /// What a scrape shows at the start, sorted, without comments.
    fn rendered(table: &[Metric]) -> Vec<String> {
        let recorder = PrometheusBuilder::new().set_buckets(&[0.5]).unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || table.iter().for_each(Metric::register));
        let text = recorder.handle().render();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut lines: Vec<_> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    }

    #[test]
    fn counters_flags_and_histograms_are_there_from_the_start_and_gauges_are_not() {
        let table = [
            Metric::counter("a_total", "").by(&[("x", &["1", "2"]), ("y", &["3"])]),
            Metric::counter("b_total", ""),
            Metric::counter("of_unknown_values_total", "").by(&[("task", &[])]),
            Metric::gauge("c", ""),
            Metric::flag("d", ""),
            Metric::histogram("e_seconds", "", &[0.5]),
        ];
        let expected = [
            r#"a_total{x="1",y="3"} 0"#,
            r#"a_total{x="2",y="3"} 0"#,
            "b_total 0",
            "d 0",
            r#"e_seconds_bucket{le="+Inf"} 0"#,
            r#"e_seconds_bucket{le="0.5"} 0"#,
            "e_seconds_count 0",
            "e_seconds_sum 0",
        ];
        assert_eq!(rendered(&table), expected);
    }
}
