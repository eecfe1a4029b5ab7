//! Changes of a registration and the events they record.

use super::{assert_same, claim, find};
use crate::fixtures::{LONG_PERIOD, SHORT_PERIOD, Store, event, events_of, outlast, user};
use domain::ports::{ClaimError, RepositoryError, SaveError};
use domain::{CodeIssue, Languages, PasswordHash, User, UserEvent, UserId, UserStatus};
use futures::future::join_all;
use std::time::Duration;
use test_support::unique_id;

on_every_store! {
    a_new_code_is_not_mailed_yet_and_holds_the_address,
    an_activation_is_stored_with_its_event,
    the_latest_claim_or_request_for_a_code_says_which_languages_count,
    asvs_15_4_2_of_parallel_changes_one_wins,
    asvs_15_4_2_a_stale_change_writes_nothing,
    asvs_2_3_3_a_change_without_its_events_is_not_made,
    asvs_11_4_2_a_password_hash_is_upgraded_unless_it_has_changed,
    a_repeated_registration_is_recorded_at_most_every_so_often,
    of_parallel_repetitions_one_is_recorded,
}

async fn a_new_code_is_not_mailed_yet_and_holds_the_address(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    let seen = ada.issue();
    store.users.release_address(seen).await.unwrap();
    ada.request_code().unwrap();
    let events = events_of(&mut ada);
    store.users.save(&ada, seen, &events).await.unwrap();
    let stored = find(&store, &ada).await;
    assert_same(&stored, &ada);
    assert_eq!(stored.status(), UserStatus::Pending { code_mailed: false });
    assert_eq!(store.due().await[0].event, events[0]);
    outlast(Duration::ZERO).await;
    assert!(matches!(
        claim(&store, &mut user("ada@example.com")).await,
        Err(ClaimError::EmailTaken)
    ));
    store.users.hold_address(seen, LONG_PERIOD).await.unwrap();
    assert_eq!(
        find(&store, &ada).await.status(),
        UserStatus::Pending { code_mailed: false },
        "an old code"
    );
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    assert_eq!(find(&store, &ada).await.status(), UserStatus::Pending { code_mailed: true });
}

async fn an_activation_is_stored_with_its_event(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    store.users.release_address(ada.issue()).await.unwrap();
    let seen = ada.issue();
    ada.activate().unwrap();
    let events = events_of(&mut ada);
    store.users.save(&ada, seen, &events).await.unwrap();
    assert_eq!(find(&store, &ada).await.status(), UserStatus::Active);
    assert_eq!(store.due().await[0].event, events[0]);
    outlast(Duration::ZERO).await;
    assert!(matches!(
        claim(&store, &mut user("ada@example.com")).await,
        Err(ClaimError::EmailTaken)
    ));
}

async fn the_latest_claim_or_request_for_a_code_says_which_languages_count(store: Store) {
    let in_languages = |text| user("ada@example.com").with_languages(Languages::from_stored(text));
    let stored = async |user: &User| find(&store, user).await.languages().to_string();
    let mut first = in_languages("fr-CA,fr,en");
    claim(&store, &mut first).await.unwrap();
    assert_eq!(stored(&first).await, "fr-CA,fr,en");
    let by_address = store.users.find_by_email(first.email()).await.unwrap().unwrap();
    assert_eq!(by_address.languages(), first.languages());

    let seen = first.issue();
    first.prefer(Languages::from_stored("de"));
    first.request_code().unwrap();
    let events = events_of(&mut first);
    store.users.save(&first, seen, &events).await.unwrap();
    assert_eq!(stored(&first).await, "de");

    for languages in ["en", ""] {
        store.users.release_address(find_current(&store).await.issue()).await.unwrap();
        outlast(Duration::ZERO).await;
        let mut later = in_languages(languages);
        claim(&store, &mut later).await.unwrap();
        assert_eq!(stored(&later).await, languages);
    }

    // What is not asked for again stays.
    let mut active = find_current(&store).await;
    let seen = active.issue();
    store.location.execute("UPDATE users SET languages = 'fr'").await;
    active.activate().unwrap();
    store.users.save(&active, seen, &[]).await.unwrap();
    assert_eq!(stored(&active).await, "fr");
}

async fn find_current(store: &Store) -> User {
    let address = user("ada@example.com").email().clone();
    store.users.find_by_email(&address).await.unwrap().unwrap()
}

async fn asvs_15_4_2_of_parallel_changes_one_wins(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let changes = (0..20).map(|number| {
        let mut copy = User::restore(
            ada.id(),
            ada.email().clone(),
            ada.password_hash().clone(),
            1,
            ada.status(),
        );
        match number % 2 {
            0 => copy.activate().unwrap(),
            _ => copy.request_code().map(drop).unwrap(),
        }
        let events = events_of(&mut copy);
        let store = &store;
        async move {
            (
                store.users.save(&copy, CodeIssue { number: 1, ..copy.issue() }, &events).await,
                events,
            )
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) =
        join_all(changes).await.into_iter().partition(|(save, _)| save.is_ok());
    assert_eq!((won.len(), lost.len()), (1, 19));
    assert!(lost.iter().all(|(save, _)| matches!(save, Err(SaveError::Stale))));
    let due = store.due().await;
    assert_eq!(due.iter().map(|entry| &entry.event).collect::<Vec<_>>(), [&won[0].1[0]]);
}

async fn asvs_15_4_2_a_stale_change_writes_nothing(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    let seen = ada.issue();
    store.users.release_address(seen).await.unwrap();
    let mut later = user("ada@example.com");
    claim(&store, &mut later).await.unwrap();
    store.due().await;
    ada.activate().unwrap();
    let mut bob = store.active("bob@example.com").await;
    let bob_seen = bob.issue();
    let pending = UserStatus::Pending { code_mailed: false };
    bob = User::restore(bob.id(), bob.email().clone(), bob.password_hash().clone(), 1, pending);
    bob.request_code().unwrap();
    for (user, seen) in [(&mut ada, seen), (&mut bob, bob_seen)] {
        let events = events_of(user);
        let saved = store.users.save(user, seen, &events).await;
        assert!(matches!(saved, Err(SaveError::Stale)), "{saved:?}");
    }
    assert!(!find(&store, &later).await.is_active());
    assert!(find(&store, &bob).await.is_active());
    assert!(store.due().await.is_empty());
}

/// The outbox refuses an event whose identifier it has already: the only failure that can be had at
/// will.
async fn asvs_2_3_3_a_change_without_its_events_is_not_made(store: Store) {
    let mut ada = user("ada@example.com");
    let taken = events_of(&mut ada);
    store.users.claim(&ada, &taken).await.unwrap();
    let bob = user("bob@example.com");
    let claimed = store.users.claim(&bob, &taken).await;
    assert!(
        matches!(claimed, Err(ClaimError::Repository(RepositoryError::Unavailable(_)))),
        "{claimed:?}"
    );
    assert!(store.users.find(bob.id()).await.unwrap().is_none());
    let seen = ada.issue();
    ada.activate().unwrap();
    let fresh = event(UserEvent::UserActivated { user_id: ada.id() });
    let saved = store.users.save(&ada, seen, &[fresh, taken[0].clone()]).await;
    assert!(
        matches!(saved, Err(SaveError::Repository(RepositoryError::Unavailable(_)))),
        "{saved:?}"
    );
    assert!(!find(&store, &ada).await.is_active());
    assert_eq!(store.due().await.len(), 1);
    let carol = store.active("carol@example.com").await;
    let repeated =
        store.users.record_repeated_registration(carol.id(), Duration::ZERO, &taken[0]).await;
    assert!(repeated.is_err());
    let notice = event(UserEvent::RegistrationRepeated { user_id: carol.id() });
    assert!(
        store.users.record_repeated_registration(carol.id(), LONG_PERIOD, &notice).await.unwrap()
    );
}

async fn asvs_11_4_2_a_password_hash_is_upgraded_unless_it_has_changed(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let (stronger, other) =
        (PasswordHash::from_phc("stronger".into()), PasswordHash::from_phc("other".into()));
    store.users.upgrade_password_hash(ada.id(), &other, &stronger).await.unwrap();
    assert_eq!(find(&store, &ada).await.password_hash(), ada.password_hash());
    store.users.upgrade_password_hash(ada.id(), ada.password_hash(), &stronger).await.unwrap();
    assert_eq!(find(&store, &ada).await.password_hash(), &stronger);
    store.users.upgrade_password_hash(ada.id(), ada.password_hash(), &other).await.unwrap();
    assert_eq!(find(&store, &ada).await.password_hash(), &stronger);
    store
        .users
        .upgrade_password_hash(UserId::from_uuid(unique_id()), &other, &stronger)
        .await
        .unwrap();
}

async fn a_repeated_registration_is_recorded_at_most_every_so_often(store: Store) {
    let ada = store.active("ada@example.com").await;
    let record = async |id, at_most_every| {
        let event = event(UserEvent::RegistrationRepeated { user_id: id });
        let recorded =
            store.users.record_repeated_registration(id, at_most_every, &event).await.unwrap();
        let due = store.due().await;
        let expected: &[_] = if recorded { &[event] } else { &[] };
        assert_eq!(due.into_iter().map(|entry| entry.event).collect::<Vec<_>>(), expected);
        recorded
    };
    assert!(record(ada.id(), LONG_PERIOD).await);
    assert!(!record(ada.id(), LONG_PERIOD).await);
    outlast(SHORT_PERIOD).await;
    assert!(record(ada.id(), SHORT_PERIOD).await);
    assert!(!record(ada.id(), LONG_PERIOD).await);
    let pending = store.registered("bob@example.com").await;
    assert!(!record(pending.id(), Duration::ZERO).await);
    assert!(!record(UserId::from_uuid(unique_id()), Duration::ZERO).await);
}

async fn of_parallel_repetitions_one_is_recorded(store: Store) {
    let ada = store.active("ada@example.com").await;
    let attempts = join_all((0..20).map(|_| async {
        let event = event(UserEvent::RegistrationRepeated { user_id: ada.id() });
        store.users.record_repeated_registration(ada.id(), LONG_PERIOD, &event).await.unwrap()
    }));
    assert_eq!(attempts.await.into_iter().filter(|recorded| *recorded).count(), 1);
    assert_eq!(store.due().await.len(), 1);
}
