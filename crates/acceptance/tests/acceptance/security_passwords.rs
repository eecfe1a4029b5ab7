//! Which passwords are refused, and how they are kept (OWASP ASVS 6.2.4, 6.2.11, 6.2.12, 11.4.2).

use std::fmt::Write;

use serde_json::json;
use sha1::{Digest, Sha1};
use wiremock::matchers::{header, method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use acceptance::stores::{data_files, postgres};
use acceptance::{
    Account, Client, Deployment, Journey, Reply, Secrets, Service, Setup, journeys, run, runtime,
};
use test_support::free_port;

journeys!(both {
    asvs_6_2_4_common_passwords_are_refused_offline: Setup::ordinary(), [];
    asvs_6_2_11_passwords_made_of_the_address_are_refused: Setup::ordinary(), [];
    asvs_11_4_2_a_hash_is_renewed_at_the_next_login: Setup::own().with("hashing.iterations", "2"), [];
});

/// The password is the only error, and this is its code.
#[track_caller]
fn expect_refused(reply: &Reply, code: &str) {
    reply.expect_invalid("/password");
    let errors = reply.json()["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(1), "{reply:?}");
    assert_eq!(errors[0]["code"], code, "{reply:?}");
}

async fn asvs_6_2_4_common_passwords_are_refused_offline(journey: &Journey) {
    for password in ["password", "12345678", "qwertyuiop", "iloveyou", "Password1", "football1"] {
        let account = Account::new();
        // Not by `register`, which would have the logs searched for these words.
        let body = json!({ "email": account.email, "password": password }).to_string();
        let reply = journey.api.send(journey.api.post("/api/v1/users/register", body)).await;
        expect_refused(&reply, "password-common");
        // Nothing was written: the address is free.
        journey.api.register(&account).await.expect_status(201);
    }
}

async fn asvs_6_2_11_passwords_made_of_the_address_are_refused(journey: &Journey) {
    let account = Account::new();
    let (local, _) = account.email.split_once('@').unwrap();
    for password in [account.email.clone(), account.email.to_uppercase(), local.to_owned()] {
        expect_refused(
            &journey.api.register(&account.with_password(password)).await,
            "password-common",
        );
    }
    journey.api.register(&account).await.expect_status(201);
}

async fn asvs_11_4_2_a_hash_is_renewed_at_the_next_login(journey: &Journey) {
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    journey.mailbox.first(&account.email).await;
    let first = stored_hashes(journey, &account).await;
    assert!(first.contains("m=256,t=2,p=1") && !first.contains("t=3"), "{first}");
    journey.system.api().kill();
    let (successor, base) = successor(journey, "3");
    successor.start().await;
    let api = Client::new(&base, Secrets::default());
    // Only a request with the right password has it hashed anew.
    api.resend(&account.with_wrong_password()).await.expect_status(401);
    assert!(!stored_hashes(journey, &account).await.contains("t=3"));
    api.resend(&account).await.expect_status(200);
    let renewed = stored_hashes(journey, &account).await;
    assert!(renewed.contains("m=256,t=3,p=1"), "{renewed}");
    // The new hash is of the same password, and stays.
    api.resend(&account.with_wrong_password()).await.expect_status(401);
    api.resend(&account).await.expect_status(200);
    if journey.system.deployment == Deployment::Distributed {
        assert_eq!(stored_hashes(journey, &account).await, renewed);
    }
}

/// The service that serves the API next, with this number of iterations per hash, and its base URL.
fn successor(journey: &Journey, iterations: &str) -> (Service, String) {
    let listen = format!("127.0.0.1:{}", free_port());
    let program = journey.system.api().program().clone();
    let program = program.setting("hashing.iterations", iterations).setting("http.listen", &listen);
    let base = format!("http://{listen}");
    (Service::new(program.setting("metrics.listen", "off"), format!("{base}/health/ready")), base)
}

/// The stored hash of an account; in a standalone deployment, the files that hold it.
async fn stored_hashes(journey: &Journey, account: &Account) -> String {
    match journey.system.deployment {
        Deployment::Distributed => {
            let query = "SELECT password_hash FROM users WHERE email = $1";
            let row =
                postgres(&journey.system).await.query_one(query, &[&account.email]).await.unwrap();
            row.get(0)
        }
        Deployment::Standalone => {
            let files = data_files(&journey.system);
            let found = files.values().flat_map(|file| file.split("$argon2id$v=19$").skip(1));
            found.filter_map(|rest| rest.split('$').next()).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A server that answers as Pwned Passwords does.
struct RangeApi(MockServer);

impl RangeApi {
    /// Knows of one password.
    fn that_knows(password: &str) -> Self {
        let digest =
            Sha1::digest(password.as_bytes()).iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02X}").unwrap();
                text
            });
        let (prefix, suffix) = digest.split_at(5);
        let padding = "0".repeat(34) + "1";
        let known =
            ResponseTemplate::new(200).set_body_string(format!("{padding}:0\r\n{suffix}:42\r\n"));
        let other = ResponseTemplate::new(200).set_body_string(format!("{padding}:0\r\n"));
        let range = |path: &str, answer| {
            Mock::given(method("GET"))
                .and(path_regex(path))
                .and(header("add-padding", "true"))
                .respond_with(answer)
        };
        let (known, other) =
            (range(&format!("^/range/{prefix}$"), known), range("^/range/[0-9A-F]{5}$", other));
        Self(runtime().block_on(async {
            let server = MockServer::start().await;
            server.register(known).await;
            server.register(other).await;
            server
        }))
    }

    fn setup(&self) -> Setup {
        Setup::own()
            .with("password.breach_check", "true")
            .with("password.breach_api_url", &self.0.uri())
            .with("password.breach_timeout", "30s")
    }
}

const BREACHED: &str = "tr0ub4dor and 3 horses";

fn breached_passwords_are_refused(deployment: Deployment) {
    let api = RangeApi::that_knows(BREACHED);
    run(deployment, &api.setup(), &[], async |journey| {
        let account = Account::new();
        expect_refused(
            &journey.api.register(&account.with_password(BREACHED)).await,
            "password-breached",
        );
        journey.api.register(&account).await.expect_status(201);
        // Five digits of a hash are all that was sent (k-anonymity).
        let requests = api.0.received_requests().await.unwrap();
        assert_eq!(requests.len(), 2);
        for request in requests {
            assert_eq!(
                (request.url.path().len(), request.url.query()),
                ("/range/".len() + 5, None)
            );
            assert!(request.body.is_empty());
        }
        // From now on it fails, and nobody is refused for that.
        api.0.reset().await;
        let other = Account::new();
        journey.api.register(&other.with_password(BREACHED)).await.expect_status(201);
        // The operator sees that this one was not checked.
        let operator = Client::new(&journey.system.addresses.operator, Secrets::default());
        let metrics = operator.get("/metrics").await;
        for (outcome, count) in [("breached", 1), ("unknown", 1), ("unavailable", 1)] {
            let line = format!("registration_breach_checks_total{{outcome=\"{outcome}\"}} {count}");
            assert!(
                metrics.body.lines().any(|found| found == line),
                "no {line} in {}",
                metrics.body
            );
        }
    });
}

fn unchecked_passwords_are_refused(deployment: Deployment) {
    let api = RangeApi::that_knows(BREACHED);
    let setup = api.setup().with("password.breach_fail_open", "false").expecting_errors();
    run(deployment, &setup, &[], async |journey| {
        api.0.reset().await;
        journey.api.register(&Account::new()).await.expect_problem(503, "unavailable");
    });
}

#[test]
fn asvs_6_2_12_breached_passwords_are_refused_distributed() {
    breached_passwords_are_refused(Deployment::Distributed);
}

#[test]
fn asvs_6_2_12_breached_passwords_are_refused_standalone() {
    breached_passwords_are_refused(Deployment::Standalone);
}

#[test]
fn asvs_16_5_3_unchecked_passwords_are_refused_where_so_set_distributed() {
    unchecked_passwords_are_refused(Deployment::Distributed);
}

#[test]
fn asvs_16_5_3_unchecked_passwords_are_refused_where_so_set_standalone() {
    unchecked_passwords_are_refused(Deployment::Standalone);
}
