//! Starts that cannot succeed end with one clear sentence and an exit code; every binary explains itself.

use crate::harness::{Process, binary, runtime};

#[test]
fn a_missing_setting_is_named() {
    for name in ["registration-api", "email-worker"] {
        let process = Process::new(binary(name), Vec::new(), &[], String::new());
        let (status, output) = runtime().block_on(process.run_to_end());
        assert!(status != Some(0) && output.contains("REGISTRATION__"), "{name}: {output}");
        assert!(!output.contains("panicked"), "{name}: {output}");
    }
}

#[test]
fn an_unknown_setting_is_refused() {
    for name in ["registration-api", "email-worker", "standalone"] {
        let typo = [("http.lisen".to_owned(), "127.0.0.1:8000".to_owned())];
        let data = tempfile::tempdir().unwrap();
        let arguments = match name {
            "standalone" => vec!["--data-dir".to_owned(), data.path().display().to_string()],
            _ => Vec::new(),
        };
        let process = Process::new(binary(name), arguments, &typo, String::new());
        let (status, output) = runtime().block_on(process.run_to_end());
        assert!(status != Some(0) && output.contains("lisen"), "{name}: {output}");
    }
}

#[test]
fn every_binary_explains_itself() {
    for name in ["registration-api", "email-worker", "standalone"] {
        for (argument, expected) in [("--help", "Usage"), ("--version", env!("CARGO_PKG_VERSION"))] {
            let process = Process::new(binary(name), vec![argument.to_owned()], &[], String::new());
            let (status, output) = runtime().block_on(process.run_to_end());
            assert!(status == Some(0) && output.contains(expected), "{name} {argument}: {output}");
        }
    }
}
