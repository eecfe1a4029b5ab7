//! Recognisable passwords, codes and addresses go through the whole system; then everything that it
//! has kept, sent and written is searched for them (OWASP ASVS 6.5.2, 14.2.1, 16.2.5).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;

use crate::collector::{Collector, traced};
use crate::server_faults::wait_for_worker_health;
use crate::traces::REGISTER;
use acceptance::stores::{Tap, data_files, postgres_tables, redis_entries};
use acceptance::{Account, Client, Journey, Secrets, Setup, Verdict, journeys};
use test_support::{eventually, unique_name};

/// Codes so long that they occur by no accident and last as long as the test, logs as talkative as
/// they can be asked to be, and failed mails that stay where they can be looked at.
fn talkative() -> Setup {
    traced(Setup::own())
        .with("code.digits", "8")
        .with("log.filter", "debug")
        .with("rabbitmq.retry_delays", "3600s")
        .expecting_errors()
}

/// What must not be found.
#[derive(Default)]
struct Canaries {
    /// Passwords, codes, credentials: nowhere at all.
    secrets: Vec<String>,
    /// Addresses: in the table of the users only.
    addresses: Vec<String>,
}

impl Canaries {
    fn account(&mut self) -> Account {
        let account = Account {
            email: format!("canary.{}@example.com", unique_name()),
            password: format!("Canary in {}", unique_name()),
        };
        self.know(&account);
        account
    }

    fn know(&mut self, account: &Account) {
        self.addresses.push(account.email.clone());
        self.secrets.push(account.password.clone());
        self.secrets.push(account.basic().trim_start_matches("Basic ").to_owned());
    }

    /// Searches a text for everything, as it is and in the forms in which it travels.
    #[track_caller]
    fn assert_absent(&self, place: &str, text: &str) {
        self.assert_no_secret(place, text);
        Self::search(&self.addresses, place, text);
    }

    /// Searches a text that may name addresses.
    #[track_caller]
    fn assert_no_secret(&self, place: &str, text: &str) {
        Self::search(&self.secrets, place, text);
    }

    #[track_caller]
    fn search(canaries: &[String], place: &str, text: &str) {
        for canary in canaries {
            let forms = [
                canary.clone(),
                STANDARD.encode(canary),
                canary.replace(' ', "%20"),
                canary.replace('@', "%40"),
            ];
            let found = forms.iter().find(|form| text.contains(form.as_str()));
            assert_eq!(found, None, "in {place}: {text}");
        }
    }
}

journeys!(distributed {
    asvs_16_2_5_no_store_queue_log_or_metric_of_the_services_knows_a_secret: talkative(), [];
    asvs_14_2_7_no_store_or_queue_of_the_services_knows_a_deleted_account: talkative(), [];
});

async fn asvs_16_2_5_no_store_queue_log_or_metric_of_the_services_knows_a_secret(
    journey: &Journey,
) {
    let collector = Collector::start(journey).await;
    let tap = Tap::open(&journey.system).await;
    let mut canaries = Canaries::default();
    everything_a_client_can_do(journey, &mut canaries).await;
    mails_that_fail(journey, &mut canaries).await;
    let dead = tap.wait_for_message_in("email.dead").await;
    let retried = tap.wait_for_message_in("email.retry.3600000").await;
    servers_that_are_away(journey, &mut canaries).await;

    let messages = tap.messages().await;
    assert!(messages.len() >= 5, "the tap works: {messages:#?}");
    for message in messages.iter().chain([&dead, &retried]) {
        canaries.assert_absent("RabbitMQ", message);
    }
    let entries = redis_entries(&journey.system).await;
    assert!(entries.len() >= 3, "Redis is used: {entries:#?}");
    entries.iter().for_each(|entry| canaries.assert_absent("Redis", entry));
    let tables = postgres_tables(&journey.system).await;
    assert!(
        tables["public.users"].iter().any(|row| row.contains(&canaries.addresses[0])),
        "{tables:#?}"
    );
    for (table, rows) in &tables {
        rows.iter().for_each(|row| match table.as_str() {
            "public.users" => canaries.assert_no_secret(table, row),
            _ => canaries.assert_absent(table, row),
        });
    }
    logs_metrics_and_traces(journey, &canaries, &collector).await;
}

async fn asvs_14_2_7_no_store_or_queue_of_the_services_knows_a_deleted_account(journey: &Journey) {
    let collector = Collector::start(journey).await;
    let tap = Tap::open(&journey.system).await;
    let (canaries, ids) = deleted_accounts(journey).await;
    let event = eventually("the last deletion on the broker", async || {
        let messages = tap.messages().await;
        messages.iter().for_each(|message| canaries.assert_absent("RabbitMQ", message));
        messages.into_iter().rfind(|message| {
            message.contains("user.deleted") && message.contains(ids.last().unwrap())
        })
    });
    event.await;
    for (table, rows) in &postgres_tables(&journey.system).await {
        for row in rows {
            canaries.assert_absent(table, row);
            // The event that tells of it is published by now, and the row of the account is gone.
            let is_named = table != "public.outbox" && ids.iter().any(|id| row.contains(id));
            assert!(!is_named, "{table} names a deleted account: {row}");
        }
    }
    let entries = redis_entries(&journey.system).await;
    entries.iter().for_each(|entry| canaries.assert_absent("Redis", entry));
    logs_metrics_and_traces(journey, &canaries, &collector).await;
}

/// Accounts with all that can be stored of one, deleted by the product. Nothing else is left.
async fn deleted_accounts(journey: &Journey) -> (Canaries, Vec<String>) {
    let (mut canaries, mut ids) = (Canaries::default(), Vec::new());
    let product = journey.system.product();
    for _ in 0..3 {
        let account = canaries.account();
        journey.api.register(&account).await.expect_status(201);
        let code = journey.mailbox.first(&account.email).await.code_of_length(8);
        journey.api.activate(&account, "00000000").await.expect_status(400);
        journey.api.activate(&account, &code).await.expect_status(200);
        product.verify(&account.with_password(&account.email)).await.expect_status(401);
        product.verify(&account).await.expect_status(200);
        let suppress = ["suppressions", "add", &account.email];
        let program = journey.system.api().program().clone().arguments(suppress);
        assert_eq!(program.run_to_end().await.code, 0);
        ids.push(product.user_of(&account.email).await.text("user_id"));
        canaries.secrets.push(code);
    }
    for id in &ids {
        let before = journey.system.api().logs().lines().len();
        product.delete(id).await.expect_status(204);
        product.user(id).await.expect_status(404);
        // The log is written behind the answers.
        let naming = eventually("the line that the deletion leaves in the log", async || {
            let lines = journey.system.api().logs().lines();
            let naming = lines[before..].iter().filter(|line| line.contains(id)).cloned();
            Some(naming.collect::<Vec<_>>()).filter(|naming| !naming.is_empty())
        })
        .await;
        assert!(naming.len() == 1 && naming[0].contains("user.deleted"), "{naming:#?}");
    }
    (canaries, ids)
}

/// The same, where all is one process and one file.
pub(crate) mod in_one_process {
    use super::*;

    journeys!(standalone {
        asvs_16_2_5_no_file_log_or_metric_of_the_standalone_system_knows_a_secret: talkative(), [];
        asvs_14_2_7_no_file_of_the_standalone_system_knows_a_deleted_account: talkative(), [];
    });

    async fn asvs_14_2_7_no_file_of_the_standalone_system_knows_a_deleted_account(
        journey: &Journey,
    ) {
        let collector = Collector::start(journey).await;
        let (canaries, _) = deleted_accounts(journey).await;
        for (name, content) in &data_files(&journey.system) {
            canaries.assert_absent(name, content);
        }
        logs_metrics_and_traces(journey, &canaries, &collector).await;
    }

    async fn asvs_16_2_5_no_file_log_or_metric_of_the_standalone_system_knows_a_secret(
        journey: &Journey,
    ) {
        let collector = Collector::start(journey).await;
        let mut canaries = Canaries::default();
        everything_a_client_can_do(journey, &mut canaries).await;
        mails_that_fail(journey, &mut canaries).await;
        let files = data_files(&journey.system);
        let known = files.values().any(|content| content.contains(&canaries.addresses[0]));
        assert!(known, "the database is among {:?}", files.keys());
        for (name, content) in &files {
            canaries.assert_no_secret(name, content);
        }
        logs_metrics_and_traces(journey, &canaries, &collector).await;
    }
}

/// What all processes have written, count and send to the collector.
async fn logs_metrics_and_traces(journey: &Journey, canaries: &Canaries, collector: &Collector) {
    traces(journey, canaries, collector).await;
    let system = &journey.system;
    let mut operators = vec![system.addresses.operator.clone()];
    for process in [system.api(), system.worker()] {
        let lines = process.logs().lines();
        assert!(
            lines.iter().any(|line| line.contains("DEBUG")),
            "{} is not talkative",
            process.name()
        );
        lines.iter().for_each(|line| canaries.assert_absent(&process.name(), line));
        operators.extend(lines.iter().filter_map(|line| {
            let address =
                line.contains("metrics and health").then(|| line.split("address=").nth(1))??;
            Some(format!("http://{}", address.split_whitespace().next()?))
        }));
    }
    for operator in operators {
        let metrics = Client::new(&operator, Secrets::default()).get("/metrics").await;
        metrics.expect_status(200);
        canaries.assert_absent("metrics", &metrics.body);
    }
}

/// Not even the client's address is in them.
async fn traces(journey: &Journey, canaries: &Canaries, collector: &Collector) {
    // Spans are sent in the order in which they end.
    let reply = journey.api.register(&Account::new()).await;
    let last = [REGISTER, "SMTP"];
    let spans = collector.trace(reply.expect_status(201).header("x-request-id"), &last).await;
    assert!(spans.len() > 5, "{spans:#?}");
    for body in collector.bodies().await {
        let text = String::from_utf8_lossy(&body);
        canaries.assert_absent("a trace", &text);
        assert!(!text.contains("127.0.0.1"), "an address in {text}");
    }
}

/// Every operation with success and failure, and secrets where they do not belong.
async fn everything_a_client_can_do(journey: &Journey, canaries: &mut Canaries) {
    let api = &journey.api;
    let account = canaries.account();
    let wrong = account.with_password(canaries.account().password);
    canaries.know(&wrong);
    api.register(&account).await.expect_status(201);
    api.register(&wrong).await.expect_status(409);
    api.register(&wrong.with_password(&account.email)).await.expect_status(422);
    let first = journey.mailbox.first(&account.email).await.code_of_length(8);
    api.activate(&wrong, &first).await.expect_status(401);
    api.resend(&wrong).await.expect_status(401);
    api.resend(&account).await.expect_status(200);
    let second = journey.mailbox.expect(&account.email, 2).await[1].code_of_length(8);
    api.activate(&account, &first).await.expect_status(400);
    secrets_in_wrong_places(journey, &account, &second).await;
    api.activate(&account, &second).await.expect_status(200);
    api.activate(&account, &second).await.expect_status(409);
    api.resend(&account).await.expect_status(409);
    canaries.secrets.extend([first, second]);
}

async fn secrets_in_wrong_places(journey: &Journey, account: &Account, code: &str) {
    let api = &journey.api;
    let Account { email, password } = account;
    let broken = format!("{{\"email\":\"{email}\",\"password\":\"{password}\", \"code\": {code}");
    for path in ["/api/v1/users/register", "/api/v1/users/activate", "/api/v1/users/resend-code"] {
        for (content_type, body) in [
            ("application/json", broken.clone()),
            ("text/plain", broken.clone()),
            (
                "application/x-www-form-urlencoded",
                format!("email={email}&password={password}&code={code}"),
            ),
            (
                "application/json",
                json!({ "email": [email], "password": { "is": password }, "code": [code] })
                    .to_string(),
            ),
            (
                "application/json",
                json!({ (email.as_str()): 1, (password.as_str()): 2, (code): 3 }).to_string(),
            ),
        ] {
            let request =
                api.request(Method::POST, path).header("content-type", content_type).body(body);
            let request =
                request.header("authorization", format!("Bearer {password} {email} {code}"));
            assert!((400..500).contains(&api.send(request).await.status));
        }
        let path = format!("{path}?email={email}&password={password}&code={code}");
        let request = api.request(Method::GET, &path).header("user-agent", password);
        let request = request.header("x-request-id", code).header("traceparent", email.as_str());
        api.send(request.header("referer", password).header("cookie", password))
            .await
            .expect_status(405);
    }
    let path = format!("/{email}/{code}/{}", password.replace(' ', "%20"));
    api.get(&path).await.expect_status(404);
    let method = Method::from_bytes(format!("X{code}").as_bytes()).unwrap();
    assert!((400..500).contains(&api.send(api.request(method, "/docs")).await.status));
    // Not even HTTP.
    api.send_bytes(&format!("{password} {email} {code}\r\n\r\n")).await;
    api.send_bytes(&format!("GET / HTTP/1.1\r\n{password} {email}\r\n\r\n")).await;
}

/// A mail server that repeats the address in its refusals, as real ones do.
async fn mails_that_fail(journey: &Journey, canaries: &mut Canaries) {
    // The code and its successor have been mailed.
    let mut attempts = 2;
    for status in ["550 5.1.1", "451 4.3.0"] {
        let account = canaries.account();
        let reply = format!("{status} <{}>: no such user, {}", account.email, account.email);
        journey.system.smtp.script(&[Verdict::Refuse(reply.leak())]);
        journey.api.register(&account).await.expect_status(201);
        attempts += 1;
        journey.system.smtp.wait_for_attempts(attempts).await;
        let refused = journey.system.smtp.refused(&account.email);
        canaries.secrets.push(code_in(&refused[0].raw));
    }
    // What is written about them is written by now.
    journey.everything_settled().await;
}

/// The code in a mail as it was sent: the one number of eight digits, in every part.
fn code_in(raw: &str) -> String {
    // The head has identifiers, which may look like codes.
    let (_, body) = raw.split_once("\r\n\r\n").expect("a head and a body");
    let numbers = body.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() == 8);
    let codes: BTreeSet<&str> =
        numbers.filter(|word| word.bytes().all(|b| b.is_ascii_digit())).collect();
    assert_eq!(codes.len(), 1, "one code in {raw}");
    codes.first().unwrap().to_string()
}

/// Errors have causes, and causes have texts. While the broker is away the outbox is not empty,
/// either.
async fn servers_that_are_away(journey: &Journey, canaries: &mut Canaries) {
    let servers = journey.system.servers();
    let account = canaries.account();
    servers.rabbitmq.cut().await;
    journey.api.register(&account).await.expect_status(201);
    let tables = postgres_tables(&journey.system).await;
    assert!(!tables["public.outbox"].is_empty(), "the event waits: {tables:#?}");
    tables["public.outbox"].iter().for_each(|row| canaries.assert_absent("the outbox", row));
    servers.redis.cut().await;
    servers.postgres.cut().await;
    for _ in 0..2 {
        journey.api.register(&canaries.account()).await.expect_status(503);
        journey.api.activate(&account, "00000000").await.expect_status(503);
    }
    wait_for_worker_health(journey, "postgres", "down").await;
    wait_for_worker_health(journey, "redis", "down").await;
    servers.postgres.restore().await;
    servers.redis.restore().await;
    // A mail that failed now would be tried again in an hour.
    wait_for_worker_health(journey, "postgres", "up").await;
    wait_for_worker_health(journey, "redis", "up").await;
    servers.rabbitmq.restore().await;
    canaries.secrets.push(journey.mailbox.first(&account.email).await.code_of_length(8));
    eventually("the servers being back", async || {
        let health = journey.api.get("/health/ready").await;
        (health.status == 200 && health.json()["status"] == "ready").then_some(())
    })
    .await;
}
