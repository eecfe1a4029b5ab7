//! What could not be delivered is set aside with its reason, can be listed, and is sent on its way
//! again when an operator says so.

use std::collections::BTreeSet;

use acceptance::stores::postgres;
use acceptance::{Account, Client, Journey, Program, Secrets, Service, Setup, Verdict, journeys};
use serde_json::{Value, json};
use test_support::eventually;

journeys!(both {
    a_refused_mail_is_listed_shown_and_replayed: Setup::own().expecting_errors(), [];
    only_what_was_selected_is_discarded: Setup::own().expecting_errors(), [];
    a_command_about_dead_letters_that_cannot_be_followed_is_refused: Setup::ordinary(), [];
    the_outbox_says_what_it_holds: Setup::own().expecting_errors(), [];
    a_mail_that_no_server_accepts_is_given_up_and_replayed:
        Setup::own().with("smtp.give_up_after", "2s").expecting_errors(), [];
});

const REFUSAL: Verdict = Verdict::Refuse("554 5.6.0 not like this");

/// A program of the service, to be run with other arguments.
fn command(service: &Service, arguments: &[&str]) -> Program {
    service.program().clone().arguments(arguments.iter().copied())
}

/// What a command about dead letters prints. It must succeed.
async fn dead_letters(service: &Service, arguments: &[&str]) -> String {
    let finished = command(service, &[&["dead-letters"], arguments].concat()).run_to_end().await;
    assert_eq!(finished.code, 0, "{}", finished.output());
    finished.output()
}

/// What a command prints to standard output, which is one JSON object per line.
async fn json_lines(service: &Service, arguments: &[&str]) -> Vec<Value> {
    let finished = command(service, arguments).run_to_end().await;
    assert_eq!(finished.code, 0, "{}", finished.output());
    finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits for that many dead letters, and returns them.
async fn await_dead_letters(service: &Service, count: usize) -> Vec<Value> {
    eventually(&format!("{count} dead letters"), async || {
        let letters = json_lines(service, &["dead-letters", "list", "--json"]).await;
        (letters.len() == count).then_some(letters)
    })
    .await
}

async fn a_refused_mail_is_listed_shown_and_replayed(journey: &Journey) {
    let worker = journey.system.worker();
    journey.system.smtp.script(&[REFUSAL]);
    let account = Account::new();
    let registered = journey.api.register(&account).await;
    let user_id = registered.expect_status(201).text("user_id");
    let letter = await_dead_letters(worker, 1).await.remove(0);
    let id = letter["id"].as_str().unwrap();
    let listed = dead_letters(worker, &["list"]).await;
    assert!(listed.contains("dead letters shown: 1"), "{listed}");
    let shown = dead_letters(worker, &["show", id]).await;
    for text in [&listed, &shown, &letter.to_string()] {
        for part in [id, "user.registered", "554 5.6.0", letter["failed_at"].as_str().unwrap()] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains(&account.email), "identifiers only: {text}");
    }
    assert!(shown.contains(&user_id) && letter["event"].to_string().contains(&user_id), "{shown}");
    let names: BTreeSet<&str> = letter.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["attempts", "event", "failed_at", "id", "reason", "type"]));

    let replayed = dead_letters(worker, &["replay"]).await;
    assert!(replayed.contains("dead letters replayed: 1"), "{replayed}");
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    let left = dead_letters(worker, &["list"]).await;
    assert!(left.contains("dead letters shown: 0"), "{left}");
}

async fn only_what_was_selected_is_discarded(journey: &Journey) {
    let worker = journey.system.worker();
    for refused in 1..=3 {
        journey.system.smtp.script(&[REFUSAL]);
        journey.api.register(&Account::new()).await.expect_status(201);
        await_dead_letters(worker, refused).await;
    }
    let letters = await_dead_letters(worker, 3).await;
    let ids: Vec<&str> = letters.iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    let last_failure = letters[2]["failed_at"].as_str().unwrap();

    for refused in [&["discard"][..], &["discard", "--all", "--id", ids[0]]] {
        let refusal = command(worker, &[&["dead-letters"], refused].concat()).run_to_end().await;
        assert_eq!(refusal.code, 2, "{}", refusal.output());
    }
    let tried =
        dead_letters(worker, &["discard", "--reason", "554", "--since", "1h", "--dry-run"]).await;
    assert!(tried.contains("dead letters that would be discarded: 3"), "{tried}");
    let none = dead_letters(worker, &["discard", "--reason", "555"]).await;
    assert!(none.contains("dead letters discarded: 0"), "{none}");
    await_dead_letters(worker, 3).await;

    let command = ["dead-letters", "discard", "--id", ids[0], "--json"];
    assert_eq!(json_lines(worker, &command).await, letters[..1]);
    let discarded = dead_letters(worker, &["discard", "--since", last_failure]).await;
    assert!(discarded.contains(ids[2]) && !discarded.contains(ids[1]), "{discarded}");
    assert_eq!(await_dead_letters(worker, 1).await, letters[1..2]);
    let all = dead_letters(worker, &["discard", "--all"]).await;
    assert!(all.contains("dead letters discarded: 1"), "{all}");
    await_dead_letters(worker, 0).await;
}

async fn a_command_about_dead_letters_that_cannot_be_followed_is_refused(journey: &Journey) {
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (arguments, code, said) in [
        (&["show", unknown][..], 1, unknown),
        (&["replay", "--id", unknown], 1, unknown),
        (&["discard", "--id", unknown, "--dry-run"], 1, unknown),
        (&["show", "1"], 2, "'1'"),
        (&["show"], 2, "<ID>"),
        (&["list", "--since", "yesterday"], 2, "2h"),
        (&["list", "--limit", "0"], 2, "--limit"),
        (&["discard"], 2, "--all"),
        (&["discard", "--all", "--reason", "554"], 2, "cannot be used with"),
    ] {
        for service in [journey.system.worker(), journey.system.api()] {
            let arguments = [&["dead-letters"], arguments].concat();
            let refused = command(service, &arguments).run_to_end().await;
            assert_eq!(refused.code, code, "{arguments:?}: {}", refused.output());
            assert_eq!(refused.stdout, "", "{arguments:?}");
            assert!(refused.stderr.contains(said), "{arguments:?}: {}", refused.stderr);
            assert!(!refused.stderr.contains("panicked"), "{}", refused.stderr);
        }
    }
}

async fn the_outbox_says_what_it_holds(journey: &Journey) {
    let api = journey.system.api();
    let mut empty = json!({
        "depth": 0, "oldest_age_seconds": null, "leased": 0, "buried": 0, "unknown": {},
    });
    empty["webhook"] = empty.clone();
    // What was delivered is deleted a moment later.
    eventually("an empty outbox", async || {
        let status = json_lines(api, &["outbox", "status", "--json"]).await;
        (status == [empty.clone()]).then_some(())
    })
    .await;
    let text = command(api, &["outbox", "status"]).run_to_end().await;
    assert_eq!(text.code, 0, "{}", text.output());
    for name in ["depth", "oldest age", "leased", "buried", "unknown", "webhook"] {
        assert!(text.stdout.contains(name), "{}", text.stdout);
    }
}

async fn a_mail_that_no_server_accepts_is_given_up_and_replayed(journey: &Journey) {
    let worker = journey.system.worker();
    let (waiting, impatient) = (Account::new(), Account::new());
    journey.system.smtp.cut().await;
    for account in [&waiting, &impatient] {
        journey.api.register(account).await.expect_status(201);
    }
    journey.api.register(&impatient).await.expect_problem(409, "email-taken");
    for letter in await_dead_letters(worker, 2).await {
        assert!(letter["reason"].as_str().unwrap().contains("smtp.give_up_after"), "{letter}");
    }

    journey.system.smtp.restore().await;
    // Its address is free, so what is replayed of the first registration is not mailed.
    journey.api.register(&impatient).await.expect_status(201);
    let replayed = dead_letters(worker, &["replay"]).await;
    assert!(replayed.contains("dead letters replayed: 2"), "{replayed}");
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
        a_store_that_is_away_is_named_in_one_sentence: Setup::own().expecting_errors(), [];
    });

    async fn a_store_that_is_away_is_named_in_one_sentence(journey: &Journey) {
        let (system, servers) = (&journey.system, journey.system.servers());
        servers.rabbitmq.cut().await;
        servers.postgres.cut().await;
        for (service, arguments, said) in [
            (system.worker(), ["dead-letters", "list"], "dead letters are unavailable"),
            (system.api(), ["dead-letters", "list"], "dead letters are unavailable"),
            (system.api(), ["outbox", "status"], "outbox is unavailable"),
        ] {
            let failed = command(service, &arguments).run_to_end().await;
            assert_eq!((failed.code, failed.stdout.as_str()), (1, ""), "{}", failed.output());
            let sentences = failed.stderr.lines().filter(|line| line.contains(said)).count();
            assert_eq!(sentences, 1, "{}", failed.stderr);
        }
        servers.rabbitmq.restore().await;
        servers.postgres.restore().await;
    }

    async fn an_event_of_a_newer_version_waits_in_the_outbox_and_holds_up_nobody(
        journey: &Journey,
    ) {
        let unknown = "INSERT INTO outbox (id, type, user_id, traceparent) VALUES \
                       (gen_random_uuid(), 'user.of_the_future', gen_random_uuid(), '')";
        let (system, database) = (&journey.system, postgres(&journey.system).await);
        database.batch_execute(unknown).await.unwrap();
        system.api().restart().await;
        journey.activated().await;
        let listed = dead_letters(system.api(), &["list"]).await;
        assert!(listed.contains("dead letters shown: 0"), "{listed}");
        let status = json_lines(system.api(), &["outbox", "status", "--json"]).await;
        assert_eq!(status[0]["unknown"], json!({ "user.of_the_future": 1 }));
        let waiting = "SELECT 1 FROM outbox WHERE type = 'user.of_the_future' AND attempts = 0";
        assert_eq!(database.query(waiting, &[]).await.unwrap().len(), 1);

        let operator = Client::new(&system.addresses.operator, Secrets::default());
        let metrics = operator.get("/metrics").await.body;
        assert!(metrics.contains("registration_outbox_events{state=\"unknown\"} 1"), "{metrics}");
        let lines = system.api().logs().lines();
        let reports = lines.iter().filter(|line| line.contains("outbox.unknown_events"));
        assert_eq!(reports.count(), 1);
    }
}
