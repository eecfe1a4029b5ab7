//! Checks that run side by side, each within its deadline, and what they have found.

use std::time::Duration;

use domain::Finding;
use settings::SettingsError;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::report::Report;
use super::settings_finding;

/// How long a check may take. Each bounds its own steps by the timeouts of the settings, and says
/// more about one that fails.
const DEADLINE: Duration = Duration::from_mins(1);

/// What has been found so far, and the checks that are under way, in the order of the report.
#[derive(Default)]
pub struct Examination {
    /// What is wrong with the settings: the report begins with it, whoever notices it.
    settings: Vec<Finding>,
    parts: Vec<Part>,
}

enum Part {
    Found(Finding),
    UnderWay(Check),
}

struct Check {
    name: &'static str,
    task: AbortOnDropHandle<Result<Vec<Finding>, Elapsed>>,
}

impl Examination {
    /// Adds what is known already.
    pub fn note(&mut self, finding: Finding) {
        self.parts.push(Part::Found(finding));
    }

    /// What the settings mean for a part; `None` after noting why they cannot be used.
    pub fn usable<T>(&mut self, options: Result<T, SettingsError>) -> Option<T> {
        options.map_err(|error| self.note_settings(settings_finding::refusal(&error))).ok()
    }

    /// Adds something that is wrong with the settings.
    pub(super) fn note_settings(&mut self, finding: Finding) {
        self.settings.push(finding);
    }

    /// Starts a check. `name` is what is blamed if it does not end in time.
    pub fn start(
        &mut self,
        name: &'static str,
        check: impl Future<Output = Vec<Finding>> + Send + 'static,
    ) {
        let task = AbortOnDropHandle::new(tokio::spawn(timeout(DEADLINE, check)));
        self.parts.push(Part::UnderWay(Check { name, task }));
    }

    /// Starts a check with what the settings mean for it, or notes why they cannot be used.
    pub fn diagnose<T, F>(
        &mut self,
        name: &'static str,
        options: Result<T, SettingsError>,
        diagnose: impl FnOnce(T) -> F,
    ) where
        F: Future<Output = Vec<Finding>> + Send + 'static,
    {
        if let Some(options) = self.usable(options) {
            self.start(name, diagnose(options));
        }
    }

    /// Waits for the checks.
    pub(super) async fn report(self) -> Report {
        let mut report = Report::default();
        if self.settings.is_empty() {
            report.add([settings_finding::all_well()]);
        }
        report.add(self.settings);
        for part in self.parts {
            match part {
                Part::Found(finding) => report.add([finding]),
                Part::UnderWay(check) => report.add(check.findings().await),
            }
        }
        report
    }
}

impl Check {
    async fn findings(self) -> Vec<Finding> {
        let problem = match self.task.await {
            Ok(Ok(findings)) => return findings,
            Ok(Err(_)) => format!("the check did not end within {DEADLINE:?}"),
            Err(_) => "the check ended with a panic, which is a defect of this program".to_owned(),
        };
        vec![Finding::error(
            self.name,
            problem,
            "look at the logs of that server and of the network",
        )]
    }
}

#[cfg(test)]
mod tests {
    use domain::Severity;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_or_panics_is_a_finding_and_holds_up_no_other() {
        let mut examination = Examination::default();
        examination.start("slow", std::future::pending());
        examination.start("slow too", std::future::pending());
        examination.start("broken", async { panic!("on purpose") });
        examination.start("well", async { vec![Finding::ok("well.enough", "it answers")] });
        let started = tokio::time::Instant::now();
        let report = examination.report().await;
        assert_eq!(started.elapsed(), DEADLINE, "the checks run side by side");
        let found: Vec<_> =
            report.findings().iter().map(|found| (found.check, found.severity)).collect();
        assert_eq!(
            found,
            [
                ("settings", Severity::Ok),
                ("slow", Severity::Error),
                ("slow too", Severity::Error),
                ("broken", Severity::Error),
                ("well.enough", Severity::Ok),
            ]
        );
        assert!(report.findings()[1].message.contains("60s"), "{report:?}");
    }
}
