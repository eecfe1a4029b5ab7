//! The notice to the owner of an account: it is sent once, like a code.

use std::time::Duration;

use domain::ports::{HandleError, MailError};
use domain::{UserEvent, UserStatus};

use crate::doubles::{Call, World, user_id};
use crate::{MESSAGE_ID, handle, transient};

const NOTICE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057.01890a5d-ac96-774b-bcce-000000000001";

fn repeated() -> UserEvent {
    UserEvent::RegistrationRepeated { user_id: user_id() }
}

fn sent() -> Call {
    Call::Send(NOTICE_ID.into())
}

#[tokio::test]
async fn asvs_6_3_8_the_owner_of_an_account_is_told_of_a_repeated_registration() {
    let world = World::with_user(1, UserStatus::Active);
    handle(&world, repeated()).await.unwrap();
    let steps = [Call::Find, Call::IsNoticeAccepted, sent(), Call::MarkNoticeAccepted];
    assert_eq!(world.calls(), steps);
    let mails = world.mails.lock().unwrap();
    assert!(mails[0].text.contains("You already have an account"));
    assert_ne!(mails[0].message_id, MESSAGE_ID);
}

#[tokio::test]
async fn a_notice_that_was_accepted_is_not_mailed_again() {
    let world = World::with_user(1, UserStatus::Active);
    for _ in 0..10 {
        handle(&world, repeated()).await.unwrap();
        world.end_leases();
    }
    assert_eq!(world.mails.lock().unwrap().len(), 1);
}

/// The worker dies at each step in turn. Only a death between the acceptance of the mail and its
/// record costs a second mail, and then it is the same one.
#[tokio::test]
async fn a_notice_is_redelivered_after_a_crash_under_the_same_message_id() {
    let steps = [Call::Find, Call::IsNoticeAccepted, sent(), Call::MarkNoticeAccepted];
    for died_at in 1..=steps.len() {
        let world = World::with_user(1, UserStatus::Active);
        world.hang_at(died_at);
        tokio::select! {
            _ = handle(&world, repeated()) => panic!("the worker did not die at step {died_at}"),
            () = world.hung() => {}
        }
        assert_eq!(world.calls(), steps[..died_at]);
        for _ in 0..2 {
            world.end_leases();
            handle(&world, repeated()).await.unwrap();
        }
        let mails = world.mails.lock().unwrap();
        let expected = if died_at == 4 { 2 } else { 1 };
        assert_eq!(mails.len(), expected, "mails after a crash at step {died_at}");
        assert!(mails.iter().all(|mail| mail.message_id == NOTICE_ID));
    }
}

#[tokio::test(start_paused = true)]
async fn while_one_worker_sends_a_notice_another_waits() {
    let world = World::with_user(1, UserStatus::Active);
    world.hang_at(3);
    let first = tokio::spawn({
        let world = world.clone();
        async move { handle(&world, repeated()).await }
    });
    world.hung().await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    let error = handle(&world, repeated()).await.unwrap_err();
    assert!(matches!(error, HandleError::Transient(_)));
    assert!(world.mails.lock().unwrap().is_empty());

    first.abort();
    world.end_leases();
    handle(&world, repeated()).await.unwrap();
    assert_eq!(world.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_notice_that_is_not_accepted_is_retried_at_once() {
    let world = World::with_user(1, UserStatus::Active);
    let refused = || MailError::SenderRefused("550 5.7.1 not you".into());
    world.sendings.lock().unwrap().extend([Err(transient()), Err(refused())]);
    for _ in 0..2 {
        assert!(matches!(handle(&world, repeated()).await, Err(HandleError::Transient(_))));
    }
    handle(&world, repeated()).await.unwrap();
    assert_eq!(world.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_notice_waits_for_the_code_store() {
    let world = World::with_user(1, UserStatus::Active);
    *world.notice_fault.lock().unwrap() = Some("connection refused");
    assert!(matches!(handle(&world, repeated()).await, Err(HandleError::Transient(_))));
    assert!(world.mails.lock().unwrap().is_empty());
    *world.notice_fault.lock().unwrap() = None;
    handle(&world, repeated()).await.unwrap();
    assert_eq!(world.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_is_told_of_an_account_that_is_gone() {
    let world = World::with_user(1, UserStatus::Active);
    *world.user.lock().unwrap() = None;
    handle(&world, repeated()).await.unwrap();
    assert_eq!(world.calls(), [Call::Find]);
}
