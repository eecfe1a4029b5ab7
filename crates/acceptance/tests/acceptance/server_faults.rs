//! PostgreSQL, Redis or RabbitMQ gone and back: registration needs only PostgreSQL, and nobody gets
//! a 500.

use std::time::Duration;

use acceptance::stores::{postgres, remove_queue, replace_queue};
use acceptance::{Account, Client, Journey, Service, Setup, Verdict, journeys, required};
use test_support::{eventually, free_port};

journeys!(distributed {
    asvs_16_5_2_without_redis_registration_goes_on: Setup::own().expecting_errors(), [
        "POST /api/v1/users/activate 503", "GET /health/ready 200"
    ];
    asvs_16_5_2_without_rabbitmq_registration_goes_on: Setup::own().expecting_errors(), ["GET /health/ready 200"];
    asvs_16_5_2_without_postgresql_clients_are_asked_to_wait: Setup::own().expecting_errors(), [
        "POST /api/v1/users/register 503",
        "POST /api/v1/users/activate 503",
        "POST /api/v1/users/resend-code 503",
        "GET /health/live 200",
        "GET /health/ready 503",
    ];
    a_database_that_takes_no_writes_is_not_ready: Setup::own().expecting_errors(), ["GET /health/ready 503"];
    an_older_or_missing_schema_is_not_ready_and_the_logs_say_so: Setup::own().expecting_errors(), [
        "GET /health/ready 503"
    ];
    while_the_worker_is_stopped_codes_pile_up_and_one_is_mailed: Setup::own(), [];
    a_broker_that_is_connected_and_takes_nothing_is_down_and_says_why_once: Setup::own().expecting_errors(), [];
    a_mail_server_that_hangs_keeps_no_worker_from_its_broker: Setup::own(), [];
    what_one_worker_is_sending_no_other_sends: Setup::own().expecting_errors(), [];
    while_postgresql_cannot_be_written_a_code_is_mailed_once: impatient_with_postgresql(), [];
});

fn impatient_with_postgresql() -> Setup {
    Setup::own().with("postgres.statement_timeout", "2s")
}

/// Waits until `/health/ready` reports this state of a dependency.
async fn wait_for_health(api: &Client, status: u16, dependency: &str, state: &str) {
    eventually(&format!("{dependency} being {state}"), async || {
        let health = api.get("/health/ready").await;
        (health.status == status && health.json()["dependencies"][dependency]["status"] == state)
            .then_some(())
    })
    .await;
}

/// Waits until the worker's health reports this state of a dependency.
pub(crate) async fn wait_for_worker_health(journey: &Journey, dependency: &str, state: &str) {
    eventually(&format!("the worker finding {dependency} {state}"), async || {
        let health = journey.system.worker().readiness().await;
        (health["dependencies"][dependency]["status"] == state).then_some(())
    })
    .await;
}

async fn asvs_16_5_2_without_redis_registration_goes_on(journey: &Journey) {
    let redis = &journey.system.servers().redis;
    let (earlier, earlier_mail) = journey.registered().await;
    redis.cut().await;
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    journey.api.activate(&earlier, &earlier_mail.code()).await.expect_problem(503, "unavailable");
    wait_for_health(&journey.api, 200, "redis", "down").await;
    redis.restore().await;
    wait_for_health(&journey.api, 200, "redis", "up").await;
    journey.api.activate(&earlier, &earlier_mail.code()).await.expect_status(200);
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
}

async fn asvs_16_5_2_without_rabbitmq_registration_goes_on(journey: &Journey) {
    let rabbitmq = &journey.system.servers().rabbitmq;
    rabbitmq.cut().await;
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    wait_for_health(&journey.api, 200, "rabbitmq", "down").await;
    wait_for_worker_health(journey, "rabbitmq", "down").await;
    rabbitmq.restore().await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    wait_for_health(&journey.api, 200, "rabbitmq", "up").await;
    wait_for_worker_health(journey, "rabbitmq", "up").await;
}

async fn asvs_16_5_2_without_postgresql_clients_are_asked_to_wait(journey: &Journey) {
    let postgres = &journey.system.servers().postgres;
    let (account, mail) = journey.registered().await;
    postgres.cut().await;
    let other = Account::new();
    journey.api.register(&other).await.expect_problem(503, "unavailable");
    journey.api.activate(&account, &mail.code()).await.expect_problem(503, "unavailable");
    journey.api.resend(&account).await.expect_problem(503, "unavailable");
    wait_for_health(&journey.api, 503, "postgres", "down").await;
    journey.api.get("/health/live").await.expect_status(200);
    postgres.restore().await;
    wait_for_health(&journey.api, 200, "postgres", "up").await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    journey.api.register(&other).await.expect_status(201);
    journey.mailbox.first(&other.email).await;
}

/// As after a fail-over that left the services with what is a standby now.
async fn a_database_that_takes_no_writes_is_not_ready(journey: &Journey) {
    let database = postgres(&journey.system).await;
    let make_read_only = "
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.batch_execute(make_read_only).await.unwrap();
    let account = Account::new();
    journey.api.register(&account).await.expect_problem(503, "unavailable");
    wait_for_health(&journey.api, 503, "postgres", "down").await;
    wait_for_worker_health(journey, "postgres", "down").await;
    assert_eq!(journey.system.worker().readiness().await["status"], "unavailable");
    let make_writable = "
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$";
    database.batch_execute(make_writable).await.unwrap();
    wait_for_health(&journey.api, 200, "postgres", "up").await;
    journey.api.register(&account).await.expect_status(201);
    journey.mailbox.first(&account.email).await;
}

async fn an_older_or_missing_schema_is_not_ready_and_the_logs_say_so(journey: &Journey) {
    let database = postgres(&journey.system).await;
    let services = [journey.system.api(), journey.system.worker()];
    for (spoil, repair) in [
        (
            "ALTER TABLE __diesel_schema_migrations RENAME TO hidden",
            "ALTER TABLE hidden RENAME TO __diesel_schema_migrations",
        ),
        (
            "CREATE TABLE newest AS SELECT * FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1;
             DELETE FROM __diesel_schema_migrations WHERE version IN (SELECT version FROM newest)",
            "INSERT INTO __diesel_schema_migrations SELECT * FROM newest",
        ),
    ] {
        let lengths = services.map(|service| service.logs().lines().len());
        database.batch_execute(spoil).await.unwrap();
        // Nobody asks for readiness until the logs have told.
        for (service, length) in services.iter().zip(lengths) {
            eventually(&format!("{} telling what to do", service.name()), async || {
                let lines = service.logs().lines().split_off(length);
                lines.iter().any(|line| line.contains("registration-api migrate")).then_some(())
            })
            .await;
        }
        wait_for_health(&journey.api, 503, "postgres", "down").await;
        assert_eq!(journey.system.worker().readiness().await["status"], "unavailable");
        database.batch_execute(repair).await.unwrap();
        wait_for_health(&journey.api, 200, "postgres", "up").await;
        wait_for_worker_health(journey, "postgres", "up").await;
    }
}

async fn while_the_worker_is_stopped_codes_pile_up_and_one_is_mailed(journey: &Journey) {
    journey.system.worker().kill();
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    journey.api.resend(&account).await.expect_status(200);
    journey.api.resend(&account).await.expect_status(200);
    journey.system.worker().start().await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
}

async fn while_postgresql_cannot_be_written_a_code_is_mailed_once(journey: &Journey) {
    let (system, account) = (&journey.system, Account::new());
    system.smtp.script(&[Verdict::Hold]);
    journey.api.register(&account).await.expect_status(201);
    system.smtp.wait_for_attempts(1).await;
    // Whoever reads is let through, as on a server whose disk is full.
    let database = postgres(system).await;
    database.batch_execute("BEGIN; LOCK TABLE users IN EXCLUSIVE MODE").await.unwrap();
    system.smtp.release();
    wait_for_failures(system.worker(), 2).await;
    system.worker().kill();
    // It is not ready, since it cannot write what it has to.
    system.worker().launch();
    wait_for_failures(system.worker(), 4).await;
    assert_eq!(system.smtp.deliveries(&account.email).len(), 1);

    database.batch_execute("ROLLBACK").await.unwrap();
    eventually("the address being held", async || {
        let held = "SELECT 1 FROM users WHERE code_expires_at > now()";
        database.query_opt(held, &[]).await.unwrap()
    })
    .await;
    journey.api.register(&account).await.expect_problem(409, "email-taken");
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    assert_eq!(system.smtp.deliveries(&account.email).len(), 1);
}

/// Waits until a worker has handled events in vain so often, over all its lives.
async fn wait_for_failures(worker: &Service, count: usize) {
    eventually(&format!("{count} failures of the worker"), async || {
        let lines = worker.logs().lines();
        (lines.iter().filter(|line| line.contains("event.failed")).count() >= count).then_some(())
    })
    .await;
}

async fn a_mail_server_that_hangs_keeps_no_worker_from_its_broker(journey: &Journey) {
    let (system, unlucky) = (&journey.system, Account::new());
    system.smtp.script(&[Verdict::Hold]);
    journey.api.register(&unlucky).await.expect_status(201);
    system.smtp.wait_for_attempts(1).await;
    system.servers().rabbitmq.cut().await;
    wait_for_worker_health(journey, "rabbitmq", "down").await;
    system.servers().rabbitmq.restore().await;
    wait_for_worker_health(journey, "rabbitmq", "up").await;
    journey.activated().await;
    assert!(journey.mailbox.mails(&unlucky.email).await.is_empty());

    system.smtp.release();
    let mail = journey.mailbox.first(&unlucky.email).await;
    journey.api.activate(&unlucky, &mail.code()).await.expect_status(200);
    journey.everything_settled().await;
    assert_eq!(system.smtp.deliveries(&unlucky.email).len(), 1);
}

async fn what_one_worker_is_sending_no_other_sends(journey: &Journey) {
    let (system, account) = (&journey.system, Account::new());
    system.smtp.script(&[Verdict::Hold]);
    journey.api.register(&account).await.expect_status(201);
    system.smtp.wait_for_attempts(1).await;
    // Cut off from the broker, which gives the event to another worker.
    system.servers().rabbitmq.cut().await;
    let operator = format!("127.0.0.1:{}", free_port());
    let program = system.worker().program().clone();
    let program = program.setting("rabbitmq.url", &required("TEST_AMQP_URL"));
    let program = program.setting("metrics.listen", &operator);
    let other = Service::new(program, format!("http://{operator}/health/ready"));
    other.start().await;
    wait_for_failures(&other, 2).await;
    assert!(journey.mailbox.mails(&account.email).await.is_empty());

    system.smtp.release();
    let mail = journey.mailbox.first(&account.email).await;
    system.servers().rabbitmq.restore().await;
    journey.everything_settled().await;
    assert_eq!(system.smtp.deliveries(&account.email).len(), 1);
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    other.kill();
}

async fn a_broker_that_is_connected_and_takes_nothing_is_down_and_says_why_once(journey: &Journey) {
    let system = &journey.system;
    journey.activated().await;
    system.worker().kill();
    replace_queue(system, "email").await;
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    wait_for_health(&journey.api, 200, "rabbitmq", "down").await;
    // For as long as the relay would look ten times, if it did not take longer each time.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let health = journey.api.get("/health/ready").await.json();
        assert_eq!(health["dependencies"]["rabbitmq"]["status"], "down", "{health}");
    }
    let lines = system.api().logs().lines();
    let reports: Vec<_> = lines.iter().filter(|line| line.contains("bus.")).collect();
    assert!(reports.len() == 1 && reports[0].contains("bus.down"), "{reports:#?}");

    remove_queue(system, "email").await;
    wait_for_health(&journey.api, 200, "rabbitmq", "up").await;
    system.worker().start().await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    // The probe of the broker may have published the event before the relay tried again.
    system.api().logs().line_with("bus.recovered").await;
    let lines = system.api().logs().lines();
    assert_eq!(lines.iter().filter(|line| line.contains("bus.recovered")).count(), 1);
}
