//! Tests of this executable that run in a process of their own.
//!
//! Such a test is started by another one, which tells it by environment variables what to do.
//! Without them, in an ordinary run of all tests, it returns at once.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// A command that runs one test of this executable and prints what the test prints.
pub fn run_again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command
}

/// Runs a test that is a TLS client, and waits until it has ended. The client trusts the
/// authorities in the PEM file `roots` and no others.
///
/// Which authorities are trusted is up to the system; `SSL_CERT_FILE` names others. The environment
/// of a process can't be changed while it runs, so the client needs one of its own.
pub async fn run_client(
    test: &str,
    roots: &Path,
    variables: impl IntoIterator<Item = (&str, impl AsRef<OsStr>)>,
) -> Output {
    let mut client = run_again(test);
    client.envs(variables).env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("running 1 test\n"), "{test} is not a test: {printed}");
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: &str = "run_again::tests::client";
    const GREETING: &str = "RUN_AGAIN_GREETING";

    #[test]
    fn client() {
        let Ok(greeting) = std::env::var(GREETING) else { return };
        println!("\n{greeting} {}", std::env::var("SSL_CERT_FILE").unwrap());
        assert!(std::env::var_os("SSL_CERT_DIR").is_none());
        assert_eq!(greeting, "hello");
    }

    #[tokio::test]
    async fn a_client_has_an_environment_of_its_own_and_its_outcome_is_told() {
        let output = run_client(TEST, Path::new("/roots.pem"), [(GREETING, "hello")]).await;
        assert!(String::from_utf8(output.stdout).unwrap().contains("\nhello /roots.pem\n"));
        assert!(output.status.success());
        let output = run_client(TEST, Path::new("/roots.pem"), [(GREETING, "goodbye")]).await;
        assert!(!output.status.success());
    }

    #[tokio::test]
    #[should_panic(expected = "no::such::test is not a test")]
    async fn a_name_that_is_not_a_tests_is_refused() {
        run_client("no::such::test", Path::new("/roots.pem"), [(GREETING, "hello")]).await;
    }
}
