//! The command as an operator types it.

use std::process::ExitCode;

use clap::Args;
use settings::{Settings, Sources};

use super::examination::Examination;
use super::settings_check;
use crate::error::StartError;
use crate::output::write_output;
use crate::start::install_crypto;

/// Check every setting and every connection, and say in a line each what is wrong and what to do.
///
/// Nothing that lasts is changed, and no mail is sent. The exit code is that of the worst finding:
/// 0 if all is well, 1 after warnings, 2 after errors.
#[derive(Debug, Clone, Args)]
pub struct DoctorCommand {
    /// Print the findings as a JSON document.
    #[arg(long)]
    json: bool,
}

impl DoctorCommand {
    /// Reads the settings, runs what `examine` adds for them, and prints the report to standard
    /// output. Settings that cannot be read are findings too.
    pub async fn run(
        self,
        program: &str,
        sources: Sources,
        examine: impl FnOnce(&Settings, &mut Examination),
    ) -> Result<ExitCode, StartError> {
        // No log: what it would say is among the findings.
        install_crypto();
        let mut examination = Examination::default();
        if let Some(settings) = settings_check::check(sources, &mut examination) {
            examine(&settings, &mut examination);
        }
        let report = examination.report().await;
        let text = if self.json { report.to_json(program) } else { report.to_text() };
        write_output(&text)?;
        Ok(report.exit_code())
    }
}
