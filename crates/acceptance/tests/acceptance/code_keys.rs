//! The code key and the number of digits are changed while codes are under way, one service after
//! the other.

use acceptance::{Account, Client, Journey, Secrets, Service, Setup, journeys};
use test_support::{CODE_KEY, free_port};

journeys!(distributed {
    key_and_length_of_codes_can_be_changed_while_codes_are_under_way: Setup::own(), [];
});

const NEW_KEY: &str = "0d9c3b7aa1f25e8846b7d0c3925e1f7a88d46c0b3fe1975a2dc6084be3f1a975";

async fn key_and_length_of_codes_can_be_changed_while_codes_are_under_way(journey: &Journey) {
    let mail_arrives = async |account: &Account| journey.mailbox.first(&account.email).await;
    let (before, mailed_before) = journey.registered().await;
    let (patient, _) = journey.registered().await;

    // First the API; the worker knows the old key only.
    journey.system.api().kill();
    let (service, api) = changed_api(journey);
    service.start().await;
    api.activate(&before, &mailed_before.code()).await.expect_status(200);
    let [amid, late] = [Account::new(), Account::new()];
    for account in [&amid, &late] {
        api.register(account).await.expect_status(201);
    }
    let (mailed_amid, mailed_late) = (mail_arrives(&amid).await, mail_arrives(&late).await);
    api.activate(&amid, "000000").await.expect_problem(400, "code-invalid");
    api.activate(&amid, &mailed_amid.code()).await.expect_status(200);

    // Then the worker.
    journey.system.worker().kill();
    let worker = changed_worker(journey);
    worker.start().await;
    let after = Account::new();
    api.register(&after).await.expect_status(201);
    let code = mail_arrives(&after).await.code_of_length(6);
    api.activate(&after, &code).await.expect_status(200);
    api.activate(&late, &mailed_late.code()).await.expect_status(200);
    // Another code for an earlier claim is derived as new ones are.
    api.resend(&patient).await.expect_status(200);
    let mails = journey.mailbox.expect(&patient.email, 2).await;
    api.activate(&patient, &mails[1].code_of_length(6)).await.expect_status(200);
}

/// What `defaults.toml` says of a change.
const CHANGED: [(&str, &str); 4] = [
    ("code.key", NEW_KEY),
    ("code.previous_keys", CODE_KEY),
    ("code.digits", "6"),
    ("code.previous_digits", "4"),
];

fn changed_api(journey: &Journey) -> (Service, Client) {
    let listen = format!("127.0.0.1:{}", free_port());
    let program = journey.system.api().program().clone().settings(&CHANGED.map(owned));
    let program = program.setting("http.listen", &listen).setting("metrics.listen", "off");
    let base = format!("http://{listen}");
    (Service::new(program, format!("{base}/health/ready")), Client::new(&base, Secrets::default()))
}

fn changed_worker(journey: &Journey) -> Service {
    let listen = format!("127.0.0.1:{}", free_port());
    let program = journey.system.worker().program().clone().settings(&CHANGED.map(owned));
    Service::new(
        program.setting("metrics.listen", &listen),
        format!("http://{listen}/health/ready"),
    )
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}
