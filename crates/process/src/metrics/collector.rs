//! What is measured when somebody asks for the metrics: no sooner, so that nobody reads what was
//! true once. A store that does not answer in time delays nobody for longer, and what it was asked
//! for is NaN, not what it was before.

use std::time::Duration;

use domain::ErrorChain;
use domain::ports::Source;
use futures::future::{BoxFuture, FutureExt, join_all};
use metrics::{Counter, Gauge, gauge};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The flag of a measurement that fails.
pub(super) const UNMEASURED: &str = "registration_metrics_unmeasured";

/// How long an answer is reused, so that several who ask put no load on the stores.
const MAX_AGE: Duration = Duration::from_secs(1);

/// How long a measurement may take. Prometheus waits for ten seconds by default.
const DEADLINE: Duration = Duration::from_secs(2);

/// Measures when it is asked.
#[must_use]
pub struct Collector {
    runtime: Handle,
    process: metrics_process::Collector,
    readings: Vec<Box<dyn Fn() + Send + Sync>>,
    measurements: Vec<Measurement>,
    collected_at: Mutex<Option<Instant>>,
}

type Values = Result<Vec<f64>, Source>;

/// Something to be asked for over a network or from a disk.
struct Measurement {
    name: &'static str,
    gauges: Vec<Gauge>,
    unmeasured: Gauge,
    ask: Box<dyn Fn() -> BoxFuture<'static, Values> + Send + Sync>,
    state: Mutex<MeasurementState>,
}

#[derive(Default)]
struct MeasurementState {
    /// One that was not answered in time is not asked for again before it is.
    running: Option<JoinHandle<Values>>,
    is_failing: bool,
}

impl Collector {
    /// Measures the process, for a start. Asks on the runtime within which this is called, where
    /// the connections of the stores are.
    #[expect(clippy::new_without_default, reason = "it must be called within a runtime")]
    pub fn new() -> Self {
        Self {
            runtime: Handle::current(),
            process: metrics_process::Collector::default(),
            readings: Vec::new(),
            measurements: Vec::new(),
            collected_at: Mutex::default(),
        }
    }

    /// Also sets these gauges to what is read from memory.
    pub fn read<const N: usize>(
        mut self,
        gauges: [Gauge; N],
        read: impl Fn() -> [usize; N] + Send + Sync + 'static,
    ) -> Self {
        self.readings.push(Box::new(move || {
            for (gauge, value) in gauges.iter().zip(read()) {
                gauge.set(as_gauge(value as u64));
            }
        }));
        self
    }

    /// Also sets a counter to what is read from memory.
    pub fn count(
        mut self,
        counter: Counter,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.readings.push(Box::new(move || counter.absolute(read())));
        self
    }

    /// Also sets these gauges to what `ask` is answered. Its future always runs to its end, so it
    /// must have one.
    pub fn measure<const N: usize, F>(
        mut self,
        name: &'static str,
        gauges: [Gauge; N],
        ask: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<[f64; N], Source>> + Send + 'static,
    {
        let unmeasured = gauge!(UNMEASURED, "measurement" => name);
        unmeasured.set(0.0);
        self.measurements.push(Measurement {
            name,
            unmeasured,
            gauges: gauges.into(),
            ask: Box::new(move || ask().map(|answer| answer.map(Vec::from)).boxed()),
            state: Mutex::default(),
        });
        self
    }

    /// Brings every gauge up to date, or sets it to NaN. Takes no longer than the deadline,
    /// whoever else asks.
    pub(crate) async fn collect(&self) {
        // Held meanwhile, so that all who ask at the same time share one answer.
        let mut collected_at = self.collected_at.lock().await;
        if collected_at.is_some_and(|at| at.elapsed() < MAX_AGE) {
            return;
        }
        self.process.collect();
        self.readings.iter().for_each(|read| read());
        join_all(self.measurements.iter().map(|measurement| measurement.take(&self.runtime))).await;
        *collected_at = Some(Instant::now());
    }
}

impl Measurement {
    async fn take(&self, runtime: &Handle) {
        let mut state = self.state.lock().await;
        let answer = self.ask_in_time(&mut state.running, runtime).await;
        state.report_change(self.name, &answer);
        self.unmeasured.set(f64::from(u8::from(answer.is_err())));
        match answer {
            Ok(values) => {
                self.gauges.iter().zip(values).for_each(|(gauge, value)| gauge.set(value));
            }
            Err(_) => self.gauges.iter().for_each(|gauge| gauge.set(f64::NAN)),
        }
    }

    async fn ask_in_time(
        &self,
        running: &mut Option<JoinHandle<Values>>,
        runtime: &Handle,
    ) -> Result<Vec<f64>, String> {
        // What was answered too late tells how things were then.
        running.take_if(|task| task.is_finished());
        let task = running.get_or_insert_with(|| runtime.spawn((self.ask)()));
        let Ok(ended) = tokio::time::timeout(DEADLINE, task).await else {
            return Err("there is no answer in time".to_owned());
        };
        *running = None;
        match ended {
            Ok(answer) => answer.map_err(|error| ErrorChain(&*error).to_string()),
            Err(panicked) => Err(panicked.to_string()),
        }
    }
}

impl MeasurementState {
    /// Once per outage, and once at its end.
    fn report_change(&mut self, measurement: &'static str, answer: &Result<Vec<f64>, String>) {
        match answer {
            Err(error) if !self.is_failing => {
                tracing::warn!(
                    event = "metrics.not_measured",
                    measurement,
                    error,
                    "metrics cannot be measured and are NaN"
                );
            }
            Ok(_) if self.is_failing => {
                tracing::info!(
                    event = "metrics.measured",
                    measurement,
                    "metrics can be measured again"
                );
            }
            _ => {}
        }
        self.is_failing = answer.is_err();
    }
}

/// A number as the value of a gauge.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, exact up to 2^53")]
pub fn as_gauge(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
    use tokio::sync::watch;

    use super::*;

    /// A store that answers with a number, fails at 0, and hangs at 1.
    struct Measured {
        metrics: PrometheusHandle,
        collector: Arc<Collector>,
        answer: watch::Sender<u32>,
        asked: Arc<AtomicU32>,
    }

    impl Measured {
        fn new() -> Self {
            let recorder = PrometheusBuilder::new().build_recorder();
            let metrics = recorder.handle();
            let (answer, asked) = (watch::Sender::new(7), Arc::new(AtomicU32::new(0)));
            let (answers, counter) = (answer.subscribe(), asked.clone());
            let ask = move || {
                let mut answers = answers.clone();
                counter.fetch_add(1, Ordering::Relaxed);
                async move {
                    let answered = answers.wait_for(|answer| *answer != 1).await;
                    match *answered.expect("the test goes on") {
                        0 => Err("down".into()),
                        number => Ok([f64::from(number)]),
                    }
                }
            };
            let collector = metrics::with_local_recorder(&recorder, || {
                Collector::new().measure("store", [gauge!("depth")], ask)
            });
            Self { metrics, collector: Arc::new(collector), answer, asked }
        }

        async fn depth(&self) -> String {
            let collecting = tokio::time::timeout(DEADLINE * 2, self.collector.collect());
            collecting.await.expect("nobody waits for longer than the deadline");
            let text = self.metrics.render();
            let value = |series| text.lines().find_map(|line| line.strip_prefix(series)).unwrap();
            let depth = value("depth ");
            let is_unmeasured = value(r#"registration_metrics_unmeasured{measurement="store"} "#);
            assert_eq!(is_unmeasured, if depth == "NaN" { "1" } else { "0" });
            depth.to_owned()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_measured_is_not_a_number_until_it_can() {
        let measured = Measured::new();
        assert_eq!(measured.depth().await, "7");
        for (answer, shown) in [(0, "NaN"), (8, "8"), (1, "NaN")] {
            tokio::time::sleep(MAX_AGE).await;
            measured.answer.send_replace(answer);
            assert_eq!(measured.depth().await, shown);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_not_asked_again_and_its_late_answer_is_not_shown() {
        let measured = Measured::new();
        measured.answer.send_replace(1);
        for _ in 0..3 {
            assert_eq!(measured.depth().await, "NaN");
            tokio::time::sleep(MAX_AGE).await;
        }
        assert_eq!(measured.asked.load(Ordering::Relaxed), 1);
        measured.answer.send_replace(5);
        tokio::time::sleep(MAX_AGE).await;
        measured.answer.send_replace(6);
        assert_eq!(measured.depth().await, "6");
        assert_eq!(measured.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_at_once_share_one_answer() {
        let measured = Measured::new();
        measured.answer.send_replace(1);
        let all = join_all((0..20).map(|_| measured.collector.collect()));
        tokio::time::timeout(DEADLINE * 2, all).await.expect("one deadline for all");
        assert_eq!(measured.asked.load(Ordering::Relaxed), 1);
    }
}
