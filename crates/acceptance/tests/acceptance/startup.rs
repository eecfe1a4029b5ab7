//! Starts that cannot succeed end with one clear sentence and an exit code; every binary explains itself.

use acceptance::{Process, binary, runtime, unique};

/// What has no default that would do; no server is asked before all of it is there.
const REQUIRED_BY_ALL: [(&str, &str); 4] = [
    ("code.key", ""),
    ("postgres.url", "postgres://nobody@127.0.0.1:9/nothing"),
    ("redis.url", "redis://127.0.0.1:9/"),
    ("rabbitmq.url", "amqp://127.0.0.1:9/%2f"),
];
const REQUIRED_BY_THE_WORKER: (&str, &str) = ("smtp.host", "127.0.0.1");

/// Starts a service with all of these settings but one, in vain. Returns the one sentence that it says.
fn start_without(missing: &str, name: &str, required: &[(&str, &str)]) -> String {
    let given = required.iter().filter(|(key, _)| *key != missing);
    let given = given.map(|(key, value)| match *key {
        "code.key" => ((*key).to_owned(), format!("{}{}{}{}", unique(), unique(), unique(), unique())),
        _ => ((*key).to_owned(), (*value).to_owned()),
    });
    // What connections to nobody say meanwhile is not what is looked for.
    let quiet = ["http.listen", "metrics.listen"].map(|key| (key.to_owned(), "127.0.0.1:0".to_owned()));
    let quiet = quiet.into_iter().chain([("log.filter".to_owned(), "off".to_owned())]);
    let settings: Vec<(String, String)> = given.chain(quiet).collect();
    let process = Process::new(binary(name), Vec::new(), &settings, String::new());
    let (status, output) = runtime().block_on(process.run_to_end());
    assert_eq!(status, Some(1), "{name} without {missing}: {output}");
    let said: Vec<&str> = output.lines().filter(|line| !line.starts_with("---")).collect();
    let [sentence] = said[..] else { panic!("{name} without {missing} says more than one thing: {output}") };
    sentence.to_owned()
}

#[test]
fn every_missing_setting_is_named_in_one_sentence() {
    let of_the_worker = [&REQUIRED_BY_ALL[..], &[REQUIRED_BY_THE_WORKER]].concat();
    for (name, required) in [("registration-api", &REQUIRED_BY_ALL[..]), ("email-worker", &of_the_worker)] {
        for (key, _) in required {
            let sentence = start_without(key, name, required);
            let variable = format!("REGISTRATION__{}", key.to_uppercase().replace('.', "__"));
            let expected = format!("{name}: setting {key} ({variable}) is missing");
            assert!(sentence.starts_with(&expected), "{sentence}");
        }
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
