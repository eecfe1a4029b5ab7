//! The commands with which an operator looks after accounts and suppressions, beside the running
//! service.

use acceptance::{Account, Finished, Journey, Setup, journeys};
use serde_json::Value;

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn three_guesses_per_day() -> Setup {
    Setup::own().with("code.guesses_per_day", "3")
}

journeys!(both {
    accounts_are_listed_shown_and_exported: Setup::ordinary(), [];
    an_account_is_deleted_after_a_dry_run: Setup::ordinary(), [];
    another_code_is_mailed_for_the_operator: Setup::ordinary(), [];
    guesses_that_are_used_up_are_renewed: three_guesses_per_day(), [];
    a_suppressed_address_is_answered_as_usual_and_not_mailed: Setup::own(), [];
    a_command_about_accounts_that_cannot_be_followed_is_refused: Setup::ordinary(), [];
});

async fn run(journey: &Journey, arguments: &[&str]) -> Finished {
    journey.system.api().program().clone().arguments(arguments.iter().copied()).run_to_end().await
}

/// Runs a command that must succeed.
async fn command(journey: &Journey, arguments: &[&str]) -> Finished {
    let finished = run(journey, arguments).await;
    assert_eq!(finished.code, 0, "{arguments:?}: {}", finished.output());
    finished
}

/// What a command prints, one JSON object per line.
async fn json_lines(journey: &Journey, arguments: &[&str]) -> Vec<Value> {
    let printed = command(journey, arguments).await.stdout;
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Fails unless the command has left one line in the log that names its action, and no address.
#[track_caller]
fn assert_audited(finished: &Finished, action: &str, address: &str) {
    let lines = finished.stderr.lines().filter(|line| line.contains("operator.command"));
    let lines: Vec<_> = lines.collect();
    assert!(lines.len() == 1 && lines[0].contains(action), "{}", finished.stderr);
    assert!(!lines[0].contains(address), "{}", lines[0]);
}

async fn accounts_are_listed_shown_and_exported(journey: &Journey) {
    let account = journey.activated().await;
    let looked_up = journey.system.product().user_of(&account.email).await.json();
    let id = looked_up["user_id"].as_str().unwrap();
    let listed = json_lines(journey, &["users", "list", "--json"]).await;
    assert!(listed.contains(&looked_up), "the names of the product's listener: {listed:#?}");
    let one = command(journey, &["users", "list", "--limit", "1"]).await;
    assert_eq!(one.stdout.lines().count(), 1);
    assert_audited(&one, "users.listed", "@");
    for named in [id, account.email.as_str()] {
        let shown = command(journey, &["users", "show", named]).await;
        assert!(shown.stdout.contains(&account.email) && shown.stdout.contains(id));
        assert_audited(&shown, "users.shown", &account.email);
    }
    let exported = command(journey, &["users", "export", id]).await;
    assert_audited(&exported, "users.exported", &account.email);
    let export: Value = serde_json::from_str(&exported.stdout).unwrap();
    assert_eq!((&export["email"], &export["codes_requested"]), (&looked_up["email"], &1.into()));
    assert!(export["code_requested_at"].is_string() && !exported.stdout.contains("argon2"));
}

async fn an_account_is_deleted_after_a_dry_run(journey: &Journey) {
    let account = journey.activated().await;
    let product = journey.system.product();
    let id = product.user_of(&account.email).await.text("user_id");
    let tried = command(journey, &["users", "delete", &account.email, "--dry-run"]).await;
    assert!(tried.stderr.contains("would be deleted") && !tried.stderr.contains("operator."));
    product.user(&id).await.expect_status(200);
    let deleted = command(journey, &["users", "delete", &account.email, "--json"]).await;
    assert_audited(&deleted, "users.deleted", &account.email);
    let printed: Value = serde_json::from_str(&deleted.stdout).unwrap();
    assert_eq!(printed["user_id"], id);
    product.user(&id).await.expect_status(404);
    let again = run(journey, &["users", "delete", &id]).await;
    assert_eq!(again.code, 1, "{}", again.output());
    assert!(again.stderr.contains(&id) && again.stderr.contains("users list"), "{}", again.stderr);
}

async fn another_code_is_mailed_for_the_operator(journey: &Journey) {
    let (account, first) = journey.registered().await;
    let resent = command(journey, &["users", "resend", &account.email]).await;
    assert_audited(&resent, "users.resent", &account.email);
    let second = journey.mailbox.expect(&account.email, 2).await[1].code();
    if first.code() != second {
        journey.api.activate(&account, &first.code()).await.expect_problem(400, "code-invalid");
    }
    journey.api.activate(&account, &second).await.expect_status(200);
    let refused = run(journey, &["users", "resend", &account.email]).await;
    assert_eq!(refused.code, 1, "{}", refused.output());
    assert!(refused.stderr.contains("needs no code"), "{}", refused.stderr);
}

async fn guesses_that_are_used_up_are_renewed(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let wrong = if mail.code() == "0000" { "0001" } else { "0000" };
    for _ in 0..3 {
        journey.api.activate(&account, wrong).await.expect_problem(400, "code-invalid");
    }
    journey.api.activate(&account, &mail.code()).await.expect_problem(429, "too-many-attempts");
    let unblocked = command(journey, &["users", "unblock", &account.email]).await;
    assert_audited(&unblocked, "users.unblocked", &account.email);
    command(journey, &["users", "resend", &account.email]).await;
    let code = journey.mailbox.expect(&account.email, 2).await[1].code();
    journey.api.activate(&account, &code).await.expect_status(200);
}

async fn a_suppressed_address_is_answered_as_usual_and_not_mailed(journey: &Journey) {
    let (suppressed, usual) = (Account::new(), Account::new());
    let added = command(journey, &["suppressions", "add", &suppressed.email]).await;
    assert_audited(&added, "suppressions.added", &suppressed.email);
    let listed = json_lines(journey, &["suppressions", "list", "--json"]).await;
    assert_eq!((listed.len(), &listed[0]["email"]), (1, &suppressed.email.as_str().into()));
    for account in [&suppressed, &usual] {
        journey.api.register(account).await.expect_status(201);
    }
    journey.mailbox.first(&usual.email).await;
    // Everything before has been dealt with.
    journey.everything_settled().await;
    for account in [&suppressed, &usual] {
        journey.api.register(account).await.expect_problem(409, "email-taken");
        let guess = journey.api.activate(account, "0000").await;
        assert!(guess.status == 400 || guess.status == 200, "{guess:?}");
    }
    assert!(journey.mailbox.mails(&suppressed.email).await.is_empty());
    let log = journey.system.worker().logs().text();
    assert!(log.contains("reason=\"suppressed\""), "{log}");

    let tried = command(journey, &["suppressions", "remove", &suppressed.email, "--dry-run"]).await;
    assert!(tried.stderr.contains("would"), "{}", tried.stderr);
    let removed = command(journey, &["suppressions", "remove", &suppressed.email]).await;
    assert_audited(&removed, "suppressions.removed", &suppressed.email);
    command(journey, &["users", "resend", &suppressed.email]).await;
    journey.mailbox.first(&suppressed.email).await;
    let again = run(journey, &["suppressions", "remove", &suppressed.email]).await;
    assert_eq!(again.code, 1, "{}", again.output());
}

async fn a_command_about_accounts_that_cannot_be_followed_is_refused(journey: &Journey) {
    for (arguments, code, said) in [
        (&["users", "show", NOBODY][..], 1, NOBODY),
        (&["users", "delete", "nobody@example.com"], 1, "nobody@example.com"),
        (&["users", "export", NOBODY], 1, NOBODY),
        (&["users", "unblock", NOBODY], 1, NOBODY),
        (&["users", "show", "7"], 2, "'7'"),
        (&["users", "show"], 2, "<ID|ADDRESS>"),
        (&["users", "list", "--limit", "0"], 2, "--limit"),
        (&["users"], 2, "delete"),
        (&["suppressions", "add", "ada"], 2, "'ada'"),
        (&["suppressions", "add"], 2, "<ADDRESS>"),
        (&["suppressions", "remove", "nobody@example.com"], 1, "nobody@example.com"),
    ] {
        let refused = run(journey, arguments).await;
        assert_eq!(refused.code, code, "{arguments:?}: {}", refused.output());
        assert!(refused.stderr.contains(said), "{arguments:?}: {}", refused.stderr);
        assert_eq!(refused.stdout, "", "{arguments:?}");
    }
}
