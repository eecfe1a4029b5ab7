//! The contract of `Accounts`.

use std::time::{Duration, SystemTime};

use domain::ports::{ClaimError, Recorded};
use domain::{Account, Event, User, UserEvent, UserId};
use futures::FutureExt;
use test_support::unique_id;
use tokio::task::unconstrained;

use crate::fixtures::{LONG_PERIOD, Store, event, user};

on_every_store! {
    an_account_is_found_by_identifier_and_address,
    an_account_tells_when_it_was_registered_and_activated,
    accounts_are_read_page_by_page,
    a_deleted_account_is_gone_and_its_event_recorded,
    the_relay_is_told_of_a_deletion,
    what_is_not_there_is_not_deleted_and_nothing_is_recorded,
    the_address_of_a_deleted_account_can_be_claimed,
    a_suppression_goes_with_its_account,
    a_record_holds_what_is_stored_of_an_account,
    an_account_gets_another_guess_budget,
}

fn deleted(user: &User) -> Event {
    event(UserEvent::UserDeleted { user_id: user.id() })
}

async fn page(store: &Store, after: Option<UserId>, limit: u32) -> Vec<UserId> {
    let accounts = store.accounts.page(after, limit).await.unwrap();
    accounts.into_iter().map(|account| account.user_id).collect()
}

async fn an_account_is_found_by_identifier_and_address(store: Store) {
    let ada = store.registered("Ada@example.com").await;
    let expected = Account { user_id: ada.id(), email: ada.email().clone(), activated_at: None };
    assert_eq!(store.accounts.find(ada.id()).await.unwrap(), Some(expected.clone()));
    let in_other_case = user("aDA@example.com");
    let found = store.accounts.find_by_email(in_other_case.email()).await.unwrap();
    assert_eq!(found, Some(expected));
    assert_eq!(store.accounts.find(in_other_case.id()).await.unwrap(), None);
    let unknown = user("bob@example.com");
    assert_eq!(store.accounts.find_by_email(unknown.email()).await.unwrap(), None);
}

#[expect(clippy::disallowed_methods, reason = "what a store calls now is compared with the clock")]
async fn an_account_tells_when_it_was_registered_and_activated(store: Store) {
    let ada = store.active("ada@example.com").await;
    let account = store.accounts.find(ada.id()).await.unwrap().unwrap();
    let now = SystemTime::now();
    let is_recent = |time: SystemTime| {
        let distance = now.duration_since(time).unwrap_or_else(|early| early.duration());
        distance < LONG_PERIOD
    };
    assert!(is_recent(account.registered_at().unwrap()), "{account:?}");
    assert!(is_recent(account.activated_at.unwrap()), "{account:?}");
    let sub_millis = |time: SystemTime| {
        time.duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos() % 1_000_000
    };
    assert_eq!(sub_millis(account.activated_at.unwrap()), 0);
}

async fn accounts_are_read_page_by_page(store: Store) {
    assert_eq!(page(&store, None, 10).await, []);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(store.registered(&format!("a{number}@example.com")).await.id());
    }
    ids.sort();
    assert_eq!(page(&store, None, 2).await, ids[..2]);
    assert_eq!(page(&store, Some(ids[1]), 2).await, ids[2..4]);
    assert_eq!(page(&store, Some(ids[3]), 2).await, ids[4..]);
    assert_eq!(page(&store, Some(ids[4]), 2).await, []);
    assert_eq!(page(&store, None, 10).await, ids);
}

async fn a_deleted_account_is_gone_and_its_event_recorded(store: Store) {
    let ada = store.active("ada@example.com").await;
    let bob = store.registered("bob@example.com").await;
    let event = deleted(&ada);
    assert!(store.accounts.delete(ada.id(), &event).await.unwrap());
    assert_eq!(store.accounts.find(ada.id()).await.unwrap(), None);
    assert_eq!(store.accounts.find_by_email(ada.email()).await.unwrap(), None);
    assert!(store.users.find(ada.id()).await.unwrap().is_none());
    assert_eq!(page(&store, None, 10).await, [bob.id()]);
    let recorded: Vec<Event> = store.due().await.into_iter().map(|entry| entry.event).collect();
    assert_eq!(recorded, [event]);
}

async fn the_relay_is_told_of_a_deletion(store: Store) {
    let ada = store.active("ada@example.com").await;
    unconstrained(store.outbox.recorded(10)).now_or_never();
    store.accounts.delete(ada.id(), &deleted(&ada)).await.unwrap();
    let told = unconstrained(store.outbox.recorded(10)).now_or_never();
    assert_eq!(told, Some(Recorded::Due));
}

async fn what_is_not_there_is_not_deleted_and_nothing_is_recorded(store: Store) {
    let nobody = UserId::from_uuid(unique_id());
    let event = event(UserEvent::UserDeleted { user_id: nobody });
    assert!(!store.accounts.delete(nobody, &event).await.unwrap());
    assert!(store.due().await.is_empty());
    let ada = store.registered("ada@example.com").await;
    assert!(store.accounts.delete(ada.id(), &deleted(&ada)).await.unwrap());
    assert!(!store.accounts.delete(ada.id(), &deleted(&ada)).await.unwrap());
    assert_eq!(store.due().await.len(), 1, "of two deletions one is told");
}

async fn the_address_of_a_deleted_account_can_be_claimed(store: Store) {
    let ada = store.active("ada@example.com").await;
    let again = user("ada@example.com");
    let taken = store.users.claim(&again, &[]).await;
    assert!(matches!(taken, Err(ClaimError::EmailTaken)));
    store.accounts.delete(ada.id(), &deleted(&ada)).await.unwrap();
    store.users.claim(&again, &[]).await.unwrap();
    store.users.hold_address(ada.issue(), Duration::ZERO).await.unwrap();
    let pending = store.users.find(again.id()).await.unwrap().unwrap();
    assert!(!pending.is_active(), "nothing of the deleted account is left");
}

async fn a_suppression_goes_with_its_account(store: Store) {
    let ada = store.registered("Ada@example.com").await;
    let other = user("other@example.com");
    for email in [ada.email(), other.email()] {
        store.suppressions.add(email).await.unwrap();
    }
    store.accounts.delete(ada.id(), &deleted(&ada)).await.unwrap();
    assert_eq!(store.suppressions.find(ada.email()).await.unwrap(), None);
    assert!(store.suppressions.find(other.email()).await.unwrap().is_some());
}

async fn a_record_holds_what_is_stored_of_an_account(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    let first = store.accounts.record(ada.id()).await.unwrap().unwrap();
    assert_eq!(first.account.user_id, ada.id());
    assert_eq!((first.codes_requested, first.code_expires_at), (1, None));
    assert_eq!(first.repetition_noted_at, None);
    let seen = ada.issue();
    ada.request_code().unwrap();
    store.users.save(&ada, seen, &[]).await.unwrap();
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    let second = store.accounts.record(ada.id()).await.unwrap().unwrap();
    assert_eq!(second.codes_requested, 2);
    assert!(second.code_requested_at >= first.code_requested_at);
    assert!(second.code_expires_at.unwrap() > second.code_requested_at);
    assert!(store.accounts.record(UserId::from_uuid(unique_id())).await.unwrap().is_none());
}

async fn an_account_gets_another_guess_budget(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let budget = async || store.users.find(ada.id()).await.unwrap().unwrap().guess_budget();
    assert_eq!(budget().await, ada.guess_budget());
    assert!(store.accounts.renew_guesses(ada.id()).await.unwrap());
    let renewed = budget().await;
    assert_ne!(renewed, ada.guess_budget());
    assert!(store.accounts.renew_guesses(ada.id()).await.unwrap());
    assert!(![renewed.clone(), ada.guess_budget()].contains(&budget().await));
    assert!(!store.accounts.renew_guesses(UserId::from_uuid(unique_id())).await.unwrap());
}
