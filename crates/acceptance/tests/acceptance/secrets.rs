//! Recognisable passwords, codes and addresses: after every kind of request, no log and no metric
//! knows them.

use acceptance::{Account, Client, Journey, Secrets, Setup, journeys};

/// Codes so long that they occur in a log by no accident, and logs as talkative as an operator
/// makes them.
fn talkative() -> Setup {
    Setup::own().with("code.digits", "8").with("log.filter", "debug")
}

journeys!(both {
    asvs_16_2_5_logs_and_metrics_know_no_secret: talkative(), [];
});

/// The harness checks the logs of every test for what the client sent in confidence; here the codes
/// are added.
async fn asvs_16_2_5_logs_and_metrics_know_no_secret(journey: &Journey) {
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    let first = journey.mailbox.first(&account.email).await.code_of_length(8);
    journey.api.register(&account).await.expect_status(409);
    journey.api.register(&account.with_password("short")).await.expect_status(422);
    journey.api.activate(&account.with_wrong_password(), &first).await.expect_status(401);
    journey.api.resend(&account).await.expect_status(200);
    let second = journey.mailbox.expect(&account.email, 2).await[1].code_of_length(8);
    journey.api.activate(&account, &first).await.expect_status(400);
    journey.api.activate(&account, &second).await.expect_status(200);
    let metrics =
        Client::new(&journey.system.addresses.operator, Secrets::default()).get("/metrics").await;
    for secret in [&account.email, &account.password, &first, &second] {
        assert!(!metrics.body.contains(secret.as_str()), "{secret} in {}", metrics.body);
        journey.system.keep_secret(secret.clone());
    }
}
