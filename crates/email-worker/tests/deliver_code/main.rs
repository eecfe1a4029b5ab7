//! Every branch of delivering a code, and the order of the steps.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod doubles;
mod notices;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::ports::{EventHandler, HandleError, MailError, MailState, Opening};
use domain::{
    CodeKey, CodeKeys, CodeLength, Event, EventId, Languages, TraceParent, UserEvent, UserStatus,
};
use email_worker::{DeliverCode, DeliveryOptions, Refusals, TemplateOptions, Templates};
use test_support::CODE_KEY;
use uuid::Uuid;

use doubles::{Call, Fault, World, issue, user_id};

const WINDOW: Duration = Duration::from_mins(1);
const GIVE_UP_AFTER: Duration = Duration::from_hours(5 * 24);
const PENDING: UserStatus = UserStatus::Pending { code_mailed: false };
const MESSAGE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057.1";

fn key() -> CodeKey {
    CodeKey::from_hex(CODE_KEY).unwrap()
}

/// The key before the present one.
fn previous_key() -> CodeKey {
    CodeKey::from_hex("0d9c3b7aa1f25e8846b7d0c3925e1f7a88d46c0b3fe1975a2dc6084be3f1a975").unwrap()
}

fn length(digits: u8) -> CodeLength {
    CodeLength::new(digits).unwrap()
}

/// The answer of a code store that records how this key derives a code of so many digits.
fn recorded(key: CodeKey, digits: u8) -> Opening {
    Opening::Opened { derivation: CodeKeys::new(key, Vec::new()).derivation(length(digits)) }
}

fn worker(world: &Arc<World>) -> DeliverCode {
    let code_length = length(4);
    let options = TemplateOptions {
        product_name: "Example".into(),
        accent_color: "#4f5bd5".into(),
        footer: String::new(),
        default_language: "en".into(),
        directory: None,
        window: WINDOW,
        code_length,
    };
    DeliverCode {
        users: world.clone(),
        codes: world.clone(),
        suppressions: world.clone(),
        mailer: world.clone(),
        refusals: Refusals::new(GIVE_UP_AFTER),
        ids: world.clone(),
        keys: Arc::new(CodeKeys::new(key(), vec![previous_key()])),
        templates: Templates::new(&options).unwrap(),
        options: DeliveryOptions { code_length, window: WINDOW, attempts: 5 },
    }
}

fn event(kind: UserEvent) -> Event {
    let id = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_0000_0000_0001);
    Event { id: EventId::from_uuid(id), trace: TraceParent::start(id), kind }
}

async fn handle(world: &Arc<World>, kind: UserEvent) -> Result<(), HandleError> {
    worker(world).handle(&event(kind)).await
}

fn registered() -> UserEvent {
    UserEvent::UserRegistered { issue: issue(1) }
}

fn opened() -> Call {
    Call::Open(issue(1), WINDOW, 5, MailState::Unsent)
}

fn accepted() -> Call {
    Call::Open(issue(1), WINDOW, 5, MailState::Accepted)
}

fn sent() -> Call {
    Call::Send(MESSAGE_ID.into())
}

fn transient() -> MailError {
    MailError::Transient("451 try later".into())
}

#[tokio::test]
async fn asvs_6_5_5_the_window_opens_before_the_mail_and_starts_afresh_when_it_is_accepted() {
    let world = World::with_user(1, PENDING);
    handle(&world, registered()).await.unwrap();
    let expected = [Call::Find, opened(), sent(), accepted(), Call::HoldAddress(issue(1), WINDOW)];
    assert_eq!(world.calls(), expected);
    let mails = world.mails.lock().unwrap();
    assert_eq!(mails[0].to.as_str(), "ada@example.com");
    assert!(mails[0].text.lines().any(|line| line == "7963"), "{}", mails[0].text);
    assert!(!mails[0].subject.contains("7963"));
}

#[tokio::test]
async fn a_suppressed_address_is_not_mailed_and_all_else_is_as_usual() {
    let world = World::with_user(1, PENDING);
    world.is_suppressed.store(true, Ordering::Relaxed);
    handle(&world, registered()).await.unwrap();
    let as_usual = [Call::Find, opened(), accepted(), Call::HoldAddress(issue(1), WINDOW)];
    assert_eq!(world.calls(), as_usual);
    assert!(world.mails.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_requested_code_is_mailed_under_its_own_message_id() {
    let world = World::with_user(2, PENDING);
    handle(&world, UserEvent::CodeRequested { issue: issue(2) }).await.unwrap();
    let mails = world.mails.lock().unwrap();
    assert_eq!(mails[0].message_id, "01890a5d-ac96-774b-bcce-b302099a8057.2");
    assert!(mails[0].text.contains("\n7001\n"));
}

#[tokio::test]
async fn a_dead_code_is_not_mailed() {
    let gone = Arc::new(World::default());
    let active = World::with_user(1, UserStatus::Active);
    let superseded = World::with_user(2, PENDING);
    for world in [gone, active, superseded] {
        handle(&world, registered()).await.unwrap();
        assert_eq!(world.calls(), [Call::Find]);
    }
    for opening in [Opening::Superseded, Opening::Consumed] {
        let world = World::with_user(1, PENDING);
        world.openings.lock().unwrap().push_back(Ok(opening));
        handle(&world, registered()).await.unwrap();
        assert_eq!(world.calls(), [Call::Find, opened()]);
    }
}

#[tokio::test]
async fn a_code_superseded_or_used_while_its_mail_was_accepted_gets_no_new_window() {
    for opening in [Opening::Superseded, Opening::Consumed] {
        let world = World::with_user(1, PENDING);
        world.openings.lock().unwrap().extend([Ok(recorded(key(), 4)), Ok(opening)]);
        handle(&world, registered()).await.unwrap();
        assert_eq!(world.calls(), [Call::Find, opened(), sent(), accepted()]);
    }
}

#[tokio::test]
async fn a_code_is_mailed_again_as_it_was_derived_first() {
    let world = World::with_user(1, PENDING);
    world.openings.lock().unwrap().push_back(Ok(recorded(previous_key(), 6)));
    handle(&world, registered()).await.unwrap();
    let code = previous_key().derive(issue(1), length(6));
    assert!(world.mails.lock().unwrap()[0].text.contains(code.expose()));
    // The code store may have lost the window since.
    let accepted =
        world.accepted_derivation.lock().unwrap().map(|derivation| Opening::Opened { derivation });
    assert_eq!(accepted, Some(recorded(previous_key(), 6)));
}

#[tokio::test]
async fn a_code_of_an_unknown_key_waits_for_a_worker_that_has_it() {
    let world = World::with_user(1, PENDING);
    let unknown =
        CodeKey::from_hex("c1a4f07e92b35d68e0179b42fd8c6a35704e19dbb25f83ac6d01e7f94b8820c6")
            .unwrap();
    world.openings.lock().unwrap().push_back(Ok(recorded(unknown, 4)));
    assert!(matches!(handle(&world, registered()).await, Err(HandleError::Transient(_))));
    assert_eq!(world.calls(), [Call::Find, opened()]);
}

/// The worker dies at each step in turn. Wherever that is, the redelivered event gets the code
/// mailed and its minute started. Only a death between the acceptance of the mail and its record
/// costs a second mail, and then it is the same one.
#[tokio::test]
async fn a_redelivery_after_a_crash_mails_the_same_code_under_the_same_message_id() {
    let steps = [Call::Find, opened(), sent(), accepted(), Call::HoldAddress(issue(1), WINDOW)];
    for died_at in 1..=steps.len() {
        let world = World::with_user(1, PENDING);
        world.hang_at(died_at);
        tokio::select! {
            _ = handle(&world, registered()) => panic!("the worker did not die at step {died_at}"),
            () = world.hung() => {}
        }
        assert_eq!(world.calls(), steps[..died_at]);
        let mailed_before = world.mails.lock().unwrap().len();
        assert_eq!(
            mailed_before,
            usize::from(died_at > 3),
            "accepted, or not, when the worker died"
        );

        world.end_leases();
        handle(&world, registered()).await.unwrap();
        assert_eq!(
            world.calls().last(),
            steps.last(),
            "the minute is started after a crash at step {died_at}"
        );
        let mails = world.mails.lock().unwrap();
        assert_eq!(
            mails.len(),
            if died_at == 4 { 2 } else { 1 },
            "mails after a crash at step {died_at}"
        );
        assert!(mails[0].text.contains("\n7963\n"));
        for mail in mails.iter() {
            assert_eq!(
                (&mail.message_id, &mail.to, &mail.subject),
                (&MESSAGE_ID.into(), &mails[0].to, &mails[0].subject)
            );
            assert_eq!((&mail.text, &mail.html), (&mails[0].text, &mails[0].html));
        }
    }
}

#[tokio::test]
async fn a_user_store_that_cannot_be_written_costs_no_second_mail() {
    let world = World::with_user(1, PENDING);
    *world.address_fault.lock().unwrap() = Some(Fault::Unavailable);
    for _ in 0..10 {
        assert!(matches!(handle(&world, registered()).await, Err(HandleError::Transient(_))));
    }
    assert_eq!(world.mails.lock().unwrap().len(), 1);

    *world.address_fault.lock().unwrap() = None;
    world.end_leases();
    // By now some of the minute has passed: the address is held for no longer than the code counts.
    let left = Duration::from_secs(20);
    *world.accepted.lock().unwrap() = Some((issue(1), left));
    world.calls.lock().unwrap().clear();
    handle(&world, registered()).await.unwrap();
    assert_eq!(world.calls(), [Call::Find, opened(), Call::HoldAddress(issue(1), left)]);
    assert_eq!(world.mails.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_one_worker_sends_a_mail_another_waits() {
    let world = World::with_user(1, PENDING);
    world.hang_at(3);
    let first = tokio::spawn({
        let world = world.clone();
        async move { handle(&world, registered()).await }
    });
    world.hung().await;
    // The mail server takes its time, and the lease is renewed all the while.
    tokio::time::sleep(Duration::from_mins(10)).await;
    let renewals = world.leases.lock().unwrap().len();
    assert!(renewals > 40, "{renewals} in ten minutes");
    let error = handle(&world, registered()).await.unwrap_err();
    assert!(matches!(error, HandleError::Transient(_)));
    assert_eq!(world.leases.lock().unwrap().last(), Some(&false));
    assert_eq!(world.calls(), [Call::Find, opened(), sent(), Call::Find]);

    // The first one dies, and its lease ends.
    first.abort();
    world.end_leases();
    handle(&world, registered()).await.unwrap();
    assert_eq!(world.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn after_a_failure_the_next_attempt_need_not_wait_for_the_lease() {
    let world = World::with_user(1, PENDING);
    world.sendings.lock().unwrap().push_back(Err(transient()));
    assert!(matches!(handle(&world, registered()).await, Err(HandleError::Transient(_))));
    handle(&world, registered()).await.unwrap();
    assert_eq!(*world.leases.lock().unwrap(), [true, true]);
}

#[tokio::test]
async fn a_temporary_refusal_starts_no_window_and_is_retried() {
    let world = World::with_user(1, PENDING);
    world.sendings.lock().unwrap().push_back(Err(transient()));
    assert!(matches!(handle(&world, registered()).await, Err(HandleError::Transient(_))));
    assert_eq!(world.calls(), [Call::Find, opened(), sent()]);
}

#[tokio::test]
async fn a_permanent_refusal_releases_the_address() {
    let world = World::with_user(1, PENDING);
    world
        .sendings
        .lock()
        .unwrap()
        .push_back(Err(MailError::Permanent("550 no such mailbox".into())));
    assert!(matches!(handle(&world, registered()).await, Err(HandleError::Permanent(_))));
    let freed = Call::ReleaseAddress(issue(1));
    assert_eq!(world.calls(), [Call::Find, opened(), sent(), freed]);
}

#[tokio::test]
async fn rfc_5321_a_mail_that_no_server_accepts_for_days_is_given_up_and_frees_the_address() {
    let world = World::with_user(1, PENDING);
    let refused = || MailError::Refused("550 5.7.1 not from you".into());
    world.sendings.lock().unwrap().extend([Err(transient()), Err(refused()), Err(transient())]);
    for age in [Duration::ZERO, GIVE_UP_AFTER] {
        *world.age.lock().unwrap() = age;
        assert!(matches!(handle(&world, registered()).await, Err(HandleError::Transient(_))));
    }
    assert!(!world.calls().contains(&Call::ReleaseAddress(issue(1))));

    *world.age.lock().unwrap() = GIVE_UP_AFTER + Duration::from_secs(1);
    assert!(matches!(handle(&world, registered()).await, Err(HandleError::Permanent(_))));
    assert_eq!(world.calls().last(), Some(&Call::ReleaseAddress(issue(1))));

    // Replayed, it is sent if it is accepted now.
    handle(&world, registered()).await.unwrap();
    assert_eq!(world.mails.lock().unwrap().len(), 1);
}

/// Whatever the server calls it: Microsoft 365 says 5.4.1 of an unknown recipient.
#[tokio::test]
async fn a_recipient_refused_again_and_again_while_others_are_accepted_is_given_up() {
    let world = World::with_user(1, PENDING);
    let worker = worker(&world);
    let other = |number: u128| Event {
        id: EventId::from_uuid(Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_0000_0001_0000 + number)),
        ..event(UserEvent::RegistrationRepeated { user_id: user_id() })
    };
    for minutes in [0, 1, 2, 30, 60] {
        *world.age.lock().unwrap() = Duration::from_mins(minutes);
        worker.handle(&other(minutes.into())).await.unwrap();
        world
            .sendings
            .lock()
            .unwrap()
            .push_back(Err(MailError::Refused("550 5.4.1 access denied".into())));
        let outcome = worker.handle(&event(registered())).await;
        assert_eq!(matches!(outcome, Err(HandleError::Permanent(_))), minutes == 60, "{outcome:?}");
    }
    assert_eq!(world.calls().last(), Some(&Call::ReleaseAddress(issue(1))));
}

#[tokio::test]
async fn an_address_that_could_not_be_released_is_released_at_the_next_delivery() {
    let world = World::with_user(1, PENDING);
    let refused = || Err(MailError::Permanent("550 no such mailbox".into()));
    world.sendings.lock().unwrap().extend([refused(), refused()]);
    *world.address_fault.lock().unwrap() = Some(Fault::Unavailable);
    assert!(matches!(handle(&world, registered()).await, Err(HandleError::Transient(_))));

    *world.address_fault.lock().unwrap() = None;
    world.calls.lock().unwrap().clear();
    assert!(matches!(handle(&world, registered()).await, Err(HandleError::Permanent(_))));
    let freed = Call::ReleaseAddress(issue(1));
    assert_eq!(world.calls(), [Call::Find, opened(), sent(), freed]);
}

#[tokio::test]
async fn unavailable_stores_are_retried_and_damaged_records_are_not() {
    for (fault, permanent) in [(Fault::Unavailable, false), (Fault::Damaged, true)] {
        let finding = World::with_user(1, PENDING);
        *finding.find_fault.lock().unwrap() = Some(fault);
        let starting = World::with_user(1, PENDING);
        *starting.address_fault.lock().unwrap() = Some(fault);
        for world in [finding, starting] {
            let error = handle(&world, registered()).await.unwrap_err();
            assert_eq!(matches!(error, HandleError::Permanent(_)), permanent);
        }
    }
    let opening = [Err("connection refused")];
    let opening_again = [Ok(recorded(key(), 4)), Err("connection lost")];
    for (openings, expected) in [
        (&opening[..], &[Call::Find, opened()][..]),
        (&opening_again, &[Call::Find, opened(), sent(), accepted()]),
    ] {
        let world = World::with_user(1, PENDING);
        world.openings.lock().unwrap().extend(openings.iter().copied());
        assert!(matches!(handle(&world, registered()).await, Err(HandleError::Transient(_))));
        assert_eq!(world.calls(), expected);
    }
}

#[tokio::test]
async fn an_activation_needs_no_mail() {
    let world = World::with_user(1, UserStatus::Active);
    handle(&world, UserEvent::UserActivated { user_id: user_id() }).await.unwrap();
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn a_mail_is_in_the_language_of_its_reader() {
    for (languages, language) in [("fr-CA,en", "fr"), ("de", "en")] {
        let world = World::with_user(1, UserStatus::Pending { code_mailed: false });
        *world.languages.lock().unwrap() = Languages::from_stored(languages);
        handle(&world, registered()).await.unwrap();
        assert_eq!(world.mails.lock().unwrap()[0].language, language);
        let world = World::with_user(1, UserStatus::Active);
        *world.languages.lock().unwrap() = Languages::from_stored(languages);
        handle(&world, UserEvent::RegistrationRepeated { user_id: user_id() }).await.unwrap();
        assert_eq!(world.mails.lock().unwrap()[0].language, language);
    }
}
