//! What is printed: a line per finding for people, a document for programs.

use std::fmt::Write;
use std::process::ExitCode;

use domain::{Finding, Severity};
use serde::Serialize;

/// All findings, each once.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

/// The JSON document. Programs rely on its names, those of checks included.
#[derive(Serialize)]
struct Document<'a> {
    program: &'a str,
    version: &'a str,
    /// The worst of the findings.
    status: &'a str,
    findings: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    check: &'a str,
    status: &'a str,
    message: String,
    advice: Option<String>,
}

impl Report {
    /// Adds what is not there yet: two checks may meet the same wrong setting.
    pub(super) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    fn severity(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
    }

    /// 0, 1 or 2, for the worst of the findings.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.severity() {
            Severity::Ok => ExitCode::SUCCESS,
            Severity::Warning => ExitCode::from(1),
            Severity::Error => ExitCode::from(2),
        }
    }

    /// A line per finding, and one that counts them.
    pub(super) fn to_text(&self) -> String {
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        let mut text = String::new();
        for finding in &self.findings {
            let Finding { check, severity, message, advice } = finding;
            let advice = advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
            let line = in_one_line(&format!("{message}{advice}"));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:<7}  {check:<width$}  {line}", name(*severity));
        }
        let count = |severity| self.findings.iter().filter(|f| f.severity == severity).count();
        let [errors, warnings, ok] = [Severity::Error, Severity::Warning, Severity::Ok].map(count);
        let _ = writeln!(text, "\nerrors: {errors}, warnings: {warnings}, ok: {ok}");
        text
    }

    /// The document of `program`.
    pub(super) fn to_json(&self, program: &str) -> String {
        let line = |finding: &Finding| Line {
            check: finding.check,
            status: name(finding.severity),
            message: in_one_line(&finding.message),
            advice: finding.advice.as_deref().map(in_one_line),
        };
        let document = Document {
            program,
            version: env!("CARGO_PKG_VERSION"),
            status: name(self.severity()),
            findings: self.findings.iter().map(line).collect(),
        };
        // Texts and lists have no form that JSON lacks.
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Servers and libraries write line ends and control characters into their messages.
fn in_one_line(text: &str) -> String {
    let words: Vec<_> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: impl IntoIterator<Item = Finding>) -> Report {
        let mut report = Report::default();
        report.add(findings);
        report
    }

    fn mixed() -> Report {
        report([
            Finding::ok("settings", "all settings can be used"),
            Finding::warning("redis.persistence", "nothing is\nkept", "set appendonly to yes"),
            Finding::error("smtp.login", "refused \x1b[31m(535)", "check smtp.username"),
            Finding::error("smtp.login", "refused \x1b[31m(535)", "check smtp.username"),
        ])
    }

    #[test]
    fn people_read_a_line_per_finding() {
        assert_eq!(
            mixed().to_text(),
            "ok       settings           all settings can be used\n\
             warning  redis.persistence  nothing is kept; set appendonly to yes\n\
             error    smtp.login         refused [31m(535); check smtp.username\n\
             \n\
             errors: 1, warnings: 1, ok: 1\n"
        );
    }

    #[test]
    fn programs_read_a_document_whose_names_are_stable() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            mixed().to_json("email-worker"),
            format!(
                r#"{{
  "program": "email-worker",
  "version": "{version}",
  "status": "error",
  "findings": [
    {{
      "check": "settings",
      "status": "ok",
      "message": "all settings can be used",
      "advice": null
    }},
    {{
      "check": "redis.persistence",
      "status": "warning",
      "message": "nothing is kept",
      "advice": "set appendonly to yes"
    }},
    {{
      "check": "smtp.login",
      "status": "error",
      "message": "refused [31m(535)",
      "advice": "check smtp.username"
    }}
  ]
}}
"#
            )
        );
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst_finding() {
        let ok = || Finding::ok("a", "well");
        let warning = || Finding::warning("a", "not well", "do something");
        let error = || Finding::error("a", "bad", "do something");
        let code = |findings: Vec<Finding>| format!("{:?}", report(findings).exit_code());
        assert_eq!(code(vec![]), format!("{:?}", ExitCode::from(0)));
        assert_eq!(code(vec![ok()]), format!("{:?}", ExitCode::from(0)));
        assert_eq!(code(vec![warning(), ok()]), format!("{:?}", ExitCode::from(1)));
        assert_eq!(code(vec![warning(), error(), ok()]), format!("{:?}", ExitCode::from(2)));
    }
}
