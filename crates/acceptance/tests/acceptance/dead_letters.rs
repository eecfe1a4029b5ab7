//! What could not be delivered is set aside with its reason, can be listed, and is sent on its way
//! again when an operator says so.

use acceptance::stores::postgres;
use acceptance::{Account, Client, Journey, Secrets, Service, Setup, Verdict, journeys};
use test_support::eventually;

journeys!(both {
    a_refused_mail_is_listed_and_replayed: Setup::own().expecting_errors(), [];
    a_mail_that_no_server_accepts_is_given_up_and_replayed:
        Setup::own().with("smtp.give_up_after", "2s").expecting_errors(), [];
});

/// What a command about dead letters prints. It must succeed.
async fn dead_letters(service: &Service, command: &str) -> String {
    let finished =
        service.program().clone().arguments(["dead-letters", command]).run_to_end().await;
    assert_eq!(finished.code, 0, "{}", finished.output());
    finished.output()
}

async fn a_refused_mail_is_listed_and_replayed(journey: &Journey) {
    let worker = journey.system.worker();
    journey.system.smtp.script(&[Verdict::Refuse("554 5.6.0 not like this")]);
    let account = Account::new();
    let registered = journey.api.register(&account).await;
    let user_id = registered.expect_status(201).text("user_id");
    let listed = eventually("the refused mail among the dead letters", async || {
        let listed = dead_letters(worker, "list").await;
        listed.contains("dead letters shown: 1").then_some(listed)
    })
    .await;
    assert!(listed.contains("554 5.6.0") && listed.contains(&user_id), "{listed}");
    assert!(!listed.contains(&account.email), "identifiers only: {listed}");

    let replayed = dead_letters(worker, "replay").await;
    assert!(replayed.contains("dead letters on their way again: 1"), "{replayed}");
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    let left = dead_letters(worker, "list").await;
    assert!(left.contains("dead letters shown: 0"), "{left}");
}

async fn a_mail_that_no_server_accepts_is_given_up_and_replayed(journey: &Journey) {
    let worker = journey.system.worker();
    let (waiting, impatient) = (Account::new(), Account::new());
    journey.system.smtp.cut().await;
    for account in [&waiting, &impatient] {
        journey.api.register(account).await.expect_status(201);
    }
    journey.api.register(&impatient).await.expect_problem(409, "email-taken");
    let listed = eventually("both mails among the dead letters", async || {
        let listed = dead_letters(worker, "list").await;
        listed.contains("dead letters shown: 2").then_some(listed)
    })
    .await;
    assert!(listed.contains("smtp.give_up_after"), "{listed}");

    journey.system.smtp.restore().await;
    // Its address is free, so what is replayed of the first registration is not mailed.
    journey.api.register(&impatient).await.expect_status(201);
    let replayed = dead_letters(worker, "replay").await;
    assert!(replayed.contains("dead letters on their way again: 2"), "{replayed}");
    for account in [&waiting, &impatient] {
        let mail = journey.mailbox.first(&account.email).await;
        journey.api.activate(account, &mail.code()).await.expect_status(200);
    }
    journey.everything_settled().await;
    for account in [&waiting, &impatient] {
        assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
    }
}

/// What an older version does not know: it waits for a newer one, and is no dead letter.
pub(crate) mod in_the_outbox {
    use super::*;

    journeys!(distributed {
        an_event_of_a_newer_version_waits_in_the_outbox_and_holds_up_nobody: Setup::own(), [];
    });

    async fn an_event_of_a_newer_version_waits_in_the_outbox_and_holds_up_nobody(
        journey: &Journey,
    ) {
        let unknown = "INSERT INTO outbox (id, type, user_id, traceparent) VALUES \
                       (gen_random_uuid(), 'user.of_the_future', gen_random_uuid(), '')";
        let (system, database) = (&journey.system, postgres(&journey.system).await);
        database.batch_execute(unknown).await.unwrap();
        system.api().restart().await;
        journey.activated().await;
        let listed = dead_letters(system.api(), "list").await;
        assert!(listed.contains("dead letters shown: 0"), "{listed}");
        let waiting = "SELECT 1 FROM outbox WHERE type = 'user.of_the_future' AND attempts = 0";
        assert_eq!(database.query(waiting, &[]).await.unwrap().len(), 1);

        let operator = Client::new(&system.addresses.operator, Secrets::default());
        let metrics = operator.get("/metrics").await.body;
        assert!(metrics.contains("outbox_unknown_events 1"), "{metrics}");
        let lines = system.api().logs().lines();
        let reports = lines.iter().filter(|line| line.contains("outbox.unknown_events"));
        assert_eq!(reports.count(), 1);
    }
}
