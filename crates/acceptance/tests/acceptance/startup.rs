//! Starts that cannot succeed end with one clear sentence and an exit code; every binary explains
//! itself.

use std::process::Command;

use acceptance::{Program, runtime};
use test_support::CODE_KEY;

/// Settings without a usable default. No server is contacted before all of them are given.
const REQUIRED_BY_ALL: [(&str, &str); 4] = [
    ("code.key", CODE_KEY),
    ("postgres.url", "postgres://nobody@127.0.0.1:9/nothing"),
    ("redis.url", "redis://127.0.0.1:9/"),
    ("rabbitmq.url", "amqp://127.0.0.1:9/%2f"),
];
const REQUIRED_BY_THE_WORKER: (&str, &str) = ("smtp.host", "127.0.0.1");

/// Starts a service with all of these settings but one, in vain. Returns the one sentence that it
/// says.
fn start_without(missing: &str, name: &str, required: &[(&str, &str)]) -> String {
    let given = required.iter().filter(|(key, _)| *key != missing);
    // The test does not look for what failing connections write.
    let quiet =
        [("http.listen", "127.0.0.1:0"), ("metrics.listen", "127.0.0.1:0"), ("log.filter", "off")];
    let settings = given.chain(&quiet);
    let program = settings
        .fold(Program::of_product(name), |program, (key, value)| program.setting(key, value));
    let finished = runtime().block_on(program.run_to_end());
    let output = finished.output();
    assert_eq!(finished.code, 1, "{name} without {missing}: {output}");
    let lines: Vec<&str> = output.lines().collect();
    let [sentence] = lines[..] else {
        panic!("{name} without {missing} prints more than one line: {output}")
    };
    sentence.to_owned()
}

#[test]
fn every_missing_setting_is_named_in_one_sentence() {
    let of_the_worker = [&REQUIRED_BY_ALL[..], &[REQUIRED_BY_THE_WORKER]].concat();
    for (name, required) in
        [("registration-api", &REQUIRED_BY_ALL[..]), ("email-worker", &of_the_worker)]
    {
        for (key, _) in required {
            let sentence = start_without(key, name, required);
            let variable = format!("REGISTRATION__{}", key.to_uppercase().replace('.', "__"));
            let expected = format!("{name}: setting {key} ({variable}) is missing");
            assert!(sentence.starts_with(&expected), "{sentence}");
        }
    }
}

#[test]
fn a_webhook_that_cannot_be_sent_is_refused_in_one_sentence() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for (url, secret, named) in [
        ("https://169.254.169.254/", SECRET, "webhooks.url"),
        ("https://127.0.0.1/", SECRET, "webhooks.url"),
        ("http://product.example/", SECRET, "webhooks.url"),
        ("product.example", SECRET, "webhooks.url"),
        ("https://product.example/", "", "webhooks.secret"),
        ("https://product.example/", "whsec_c2hvcnQ=", "webhooks.secret"),
    ] {
        for (name, required) in [("registration-api", &REQUIRED_BY_ALL[..]), ("standalone", &[])] {
            let data = tempfile::tempdir().unwrap();
            let directory = data.path().join("data").display().to_string();
            let webhook = [
                ("webhooks.url", url),
                ("webhooks.secret", secret),
                ("standalone.data_dir", &directory),
            ];
            let settings = [required, &webhook].concat();
            let sentence = start_without("nothing", name, &settings);
            let variable = format!("REGISTRATION__{}", named.to_uppercase().replace('.', "__"));
            assert!(
                sentence.starts_with(&format!("{name}: setting {named} ({variable})")),
                "{sentence}"
            );
            assert!(secret.is_empty() || !sentence.contains(secret), "{sentence}");
        }
    }
}

#[test]
fn an_unknown_setting_is_refused() {
    for name in ["registration-api", "email-worker", "standalone"] {
        let data = tempfile::tempdir().unwrap();
        let mut program = Program::of_product(name).setting("http.lisen", "127.0.0.1:8000");
        if name == "standalone" {
            program = program.arguments(["--data-dir", data.path().to_str().unwrap()]);
        }
        let finished = runtime().block_on(program.run_to_end());
        let output = finished.output();
        assert!(finished.code != 0 && output.contains("lisen"), "{name}: {output}");
    }
}

#[test]
fn every_binary_explains_itself() {
    let commit = commit();
    for name in ["registration-api", "email-worker", "standalone"] {
        let version = format!("{name} {}", env!("CARGO_PKG_VERSION"));
        assert_eq!(output(name, "-V"), version);
        let long = output(name, "--version");
        let origin = long.strip_prefix(&format!("{version} (commit {commit}"));
        // Built of a checkout with changes, `-dirty` follows.
        let built = origin.and_then(|rest| rest.split_once(", built ")).expect(&long).1;
        let digits = built.trim_end_matches(')').split('-').map(str::parse::<u16>);
        assert!(
            matches!(&digits.collect::<Vec<_>>()[..], [Ok(2000..), Ok(1..=12), Ok(1..=31)]),
            "{long}"
        );
        assert!(output(name, "--help").contains("Usage"));
    }
}

/// What a binary prints in answer to a flag.
fn output(name: &str, flag: &str) -> String {
    let program = Program::of_product(name).arguments([flag]);
    let finished = runtime().block_on(program.run_to_end());
    assert_eq!(finished.code, 0, "{name} {flag}: {}", finished.output());
    finished.output()
}

/// The commit that the binaries are built of: that of the build's environment, of the checkout, or an
/// unknown one.
fn commit() -> String {
    let given = std::env::var("REGISTRATION_BUILD_COMMIT").ok().filter(|commit| !commit.is_empty());
    let asked = || {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let mut git = Command::new("git");
        let output =
            git.current_dir(root).args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    given.or_else(asked).unwrap_or_else(|| "unknown".to_owned())
}
