//! The contract of `UserRepository`.

use std::{task::Poll, time::Duration};

use domain::{
    CodeIssue, PasswordHash, User, UserEvent, UserId, UserStatus,
    ports::{ClaimError, RepositoryError, SaveError},
};
use futures::{FutureExt, future::join_all, poll};
use tokio::time::{Instant, timeout};

use crate::fixtures::{LONG, SHORT, Store, event, events_of, eventually, next_id, outlast, user};

on_every_store! {
    a_claim_stores_the_user_and_its_event,
    unusual_addresses_are_kept_exactly,
    addresses_are_compared_case_insensitively,
    a_claim_holds_the_address,
    a_lapsed_claim_is_taken_over_and_gone,
    of_parallel_claims_one_wins,
    of_parallel_takeovers_one_wins,
    the_minute_belongs_to_the_current_code_of_a_pending_user,
    a_minute_can_be_started_again,
    a_minute_of_zero_frees_the_address,
    a_new_code_is_not_mailed_yet_and_holds_the_address,
    an_activation_is_stored_with_its_event,
    of_parallel_changes_one_wins,
    a_stale_change_writes_nothing,
    a_change_without_its_events_is_not_made,
    a_password_hash_is_upgraded_unless_it_has_changed,
    a_repeated_registration_is_recorded_at_most_every_so_often,
    of_parallel_repetitions_one_is_recorded,
    the_purge_takes_old_unverified_users_in_batches,
    parallel_purges_do_not_disturb_each_other,
    a_dropped_caller_leaves_nothing_half_done,
    the_relay_is_woken_by_what_adds_events,
    the_store_answers,
}

async fn claim(store: &Store, user: &mut User) -> Result<(), ClaimError> {
    let events = events_of(user);
    store.users.claim(user, &events).await
}

fn assert_same(stored: &User, user: &User) {
    assert_eq!(stored.id(), user.id());
    assert_eq!(stored.email().as_str(), user.email().as_str());
    assert_eq!(stored.password_hash(), user.password_hash());
    assert_eq!(stored.issue(), user.issue());
}

async fn find(store: &Store, user: &User) -> User {
    store.users.find(user.id()).await.unwrap().expect("the user is stored")
}

async fn a_claim_stores_the_user_and_its_event(store: Store) {
    let mut ada = user("Ada@example.com");
    let events = events_of(&mut ada);
    store.users.claim(&ada, &events).await.unwrap();
    for stored in [store.users.find(ada.id()).await, store.users.find_by_email(ada.email()).await] {
        let stored = stored.unwrap().unwrap();
        assert_same(&stored, &ada);
        assert_eq!(stored.status(), UserStatus::Pending { code_mailed: false });
    }
    let due = store.due().await;
    assert_eq!(due.iter().map(|entry| &entry.event).collect::<Vec<_>>(), events.iter().collect::<Vec<_>>());
    assert!(store.users.find(UserId::from_uuid(next_id())).await.unwrap().is_none());
    assert!(store.users.find_by_email(user("bob@example.com").email()).await.unwrap().is_none());
}

async fn unusual_addresses_are_kept_exactly(store: Store) {
    let longest = format!("{}@{}.com", "a".repeat(64), ["b".repeat(59).as_str(); 3].join("."));
    for email in
        ["o'brien@example.com", "a!b+tag@example.co.uk", "%_x@example.com", "x@bücher.example", &longest]
    {
        let stored = store.registered(email).await;
        assert_same(&find(&store, &stored).await, &stored);
        assert_same(&store.users.find_by_email(stored.email()).await.unwrap().unwrap(), &stored);
    }
}

async fn addresses_are_compared_case_insensitively(store: Store) {
    let ada = store.registered("Ada@example.com").await;
    let found = store.users.find_by_email(user("aDA@EXAMPLE.com").email()).await.unwrap().unwrap();
    assert_same(&found, &ada);
    assert!(matches!(claim(&store, &mut user("ADA@example.com")).await, Err(ClaimError::EmailTaken)));
}

async fn a_claim_holds_the_address(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let refused = async || {
        let refused = claim(&store, &mut user("ada@example.com")).await;
        assert!(matches!(refused, Err(ClaimError::EmailTaken)), "{refused:?}");
    };
    refused().await;
    assert!(store.users.start_minute(ada.issue(), LONG).await.unwrap());
    refused().await;
    store.active("bob@example.com").await;
    let refused = claim(&store, &mut user("bob@example.com")).await;
    assert!(matches!(refused, Err(ClaimError::EmailTaken)));
    assert_same(&find(&store, &ada).await, &ada);
    assert!(store.due().await.is_empty(), "a refused claim records nothing");
}

async fn a_lapsed_claim_is_taken_over_and_gone(store: Store) {
    let earlier = store.registered("ada@example.com").await;
    let mut later = user("Ada@Example.com");
    let events = events_of(&mut later);
    let started = Instant::now();
    assert!(store.users.start_minute(earlier.issue(), SHORT).await.unwrap());
    eventually(async || match store.users.claim(&later, &events).await {
        Ok(()) => Some(()),
        Err(ClaimError::EmailTaken) => None,
        Err(error) => panic!("{error}"),
    })
    .await;
    assert!(started.elapsed() >= SHORT, "taken over after {:?}", started.elapsed());
    assert!(store.users.find(earlier.id()).await.unwrap().is_none());
    let stored = store.users.find_by_email(earlier.email()).await.unwrap().unwrap();
    assert_same(&stored, &later);
    assert_eq!(stored.status(), UserStatus::Pending { code_mailed: false });
    assert_eq!(store.due().await.len(), 1);
    assert!(!store.users.start_minute(earlier.issue(), SHORT).await.unwrap());
    assert!(matches!(claim(&store, &mut user("ada@example.com")).await, Err(ClaimError::EmailTaken)));
}

/// Fifty claims at once; returns the one that won.
async fn contend(store: &Store) -> User {
    let claims = (0..50).map(|_| async {
        let mut ada = user("ada@example.com");
        (claim(store, &mut ada).await, ada)
    });
    let (won, lost): (Vec<_>, Vec<_>) =
        join_all(claims).await.into_iter().partition(|(claim, _)| claim.is_ok());
    assert_eq!((won.len(), lost.len()), (1, 49));
    assert!(lost.iter().all(|(claim, _)| matches!(claim, Err(ClaimError::EmailTaken))));
    let winner = won.into_iter().next().unwrap().1;
    assert_same(&store.users.find_by_email(winner.email()).await.unwrap().unwrap(), &winner);
    let due = store.due().await;
    assert_eq!(due.len(), 1, "only the winner has an event");
    assert_eq!(due[0].event.kind, UserEvent::UserRegistered { issue: winner.issue() });
    winner
}

async fn of_parallel_claims_one_wins(store: Store) {
    contend(&store).await;
}

async fn of_parallel_takeovers_one_wins(store: Store) {
    let earlier = store.registered("ada@example.com").await;
    store.users.start_minute(earlier.issue(), Duration::ZERO).await.unwrap();
    outlast(Duration::ZERO).await;
    let winner = contend(&store).await;
    assert_ne!(winner.id(), earlier.id());
}

async fn the_minute_belongs_to_the_current_code_of_a_pending_user(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let other = |number| CodeIssue { number, ..ada.issue() };
    let unknown = CodeIssue { user_id: UserId::from_uuid(next_id()), number: 1 };
    for issue in [other(2), unknown] {
        assert!(!store.users.start_minute(issue, LONG).await.unwrap());
    }
    assert_eq!(find(&store, &ada).await.status(), UserStatus::Pending { code_mailed: false });
    assert!(store.users.start_minute(ada.issue(), LONG).await.unwrap());
    assert_eq!(find(&store, &ada).await.status(), UserStatus::Pending { code_mailed: true });
    let bob = store.active("bob@example.com").await;
    assert!(!store.users.start_minute(bob.issue(), Duration::ZERO).await.unwrap());
    assert!(find(&store, &bob).await.is_active());
}

async fn a_minute_can_be_started_again(store: Store) {
    let ada = store.registered("ada@example.com").await;
    store.users.start_minute(ada.issue(), SHORT).await.unwrap();
    store.users.start_minute(ada.issue(), LONG).await.unwrap();
    outlast(SHORT).await;
    assert!(matches!(claim(&store, &mut user("ada@example.com")).await, Err(ClaimError::EmailTaken)));
}

async fn a_minute_of_zero_frees_the_address(store: Store) {
    let ada = store.registered("ada@example.com").await;
    assert!(store.users.start_minute(ada.issue(), Duration::ZERO).await.unwrap());
    let mut later = user("ada@example.com");
    claim(&store, &mut later).await.unwrap();
    assert_same(&find(&store, &later).await, &later);
}

async fn a_new_code_is_not_mailed_yet_and_holds_the_address(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    let seen = ada.issue();
    store.users.start_minute(seen, Duration::ZERO).await.unwrap();
    ada.request_code().unwrap();
    let events = events_of(&mut ada);
    store.users.save(&ada, seen, &events).await.unwrap();
    let stored = find(&store, &ada).await;
    assert_same(&stored, &ada);
    assert_eq!(stored.status(), UserStatus::Pending { code_mailed: false });
    assert_eq!(store.due().await[0].event, events[0]);
    outlast(Duration::ZERO).await;
    assert!(matches!(claim(&store, &mut user("ada@example.com")).await, Err(ClaimError::EmailTaken)));
    assert!(!store.users.start_minute(seen, LONG).await.unwrap(), "the old code has no minute");
    assert!(store.users.start_minute(ada.issue(), LONG).await.unwrap());
}

async fn an_activation_is_stored_with_its_event(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    store.users.start_minute(ada.issue(), Duration::ZERO).await.unwrap();
    let seen = ada.issue();
    ada.activate().unwrap();
    let events = events_of(&mut ada);
    store.users.save(&ada, seen, &events).await.unwrap();
    assert_eq!(find(&store, &ada).await.status(), UserStatus::Active);
    assert_eq!(store.due().await[0].event, events[0]);
    outlast(Duration::ZERO).await;
    assert!(matches!(claim(&store, &mut user("ada@example.com")).await, Err(ClaimError::EmailTaken)));
}

async fn of_parallel_changes_one_wins(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let changes =
        (0..20).map(|number| {
            let mut copy =
                User::restore(ada.id(), ada.email().clone(), ada.password_hash().clone(), 1, ada.status());
            match number % 2 {
                0 => copy.activate().unwrap(),
                _ => copy.request_code().map(drop).unwrap(),
            }
            let events = events_of(&mut copy);
            let store = &store;
            async move {
                (store.users.save(&copy, CodeIssue { number: 1, ..copy.issue() }, &events).await, events)
            }
        });
    let (won, lost): (Vec<_>, Vec<_>) =
        join_all(changes).await.into_iter().partition(|(save, _)| save.is_ok());
    assert_eq!((won.len(), lost.len()), (1, 19));
    assert!(lost.iter().all(|(save, _)| matches!(save, Err(SaveError::Stale))));
    let due = store.due().await;
    assert_eq!(due.iter().map(|entry| &entry.event).collect::<Vec<_>>(), [&won[0].1[0]]);
}

async fn a_stale_change_writes_nothing(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    let seen = ada.issue();
    store.users.start_minute(seen, Duration::ZERO).await.unwrap();
    let mut later = user("ada@example.com");
    claim(&store, &mut later).await.unwrap();
    store.due().await;
    ada.activate().unwrap();
    let mut bob = store.active("bob@example.com").await;
    let bob_seen = bob.issue();
    bob = User::restore(bob.id(), bob.email().clone(), bob.password_hash().clone(), 1, ada_pending());
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

fn ada_pending() -> UserStatus {
    UserStatus::Pending { code_mailed: false }
}

/// The outbox refuses an event whose identifier it has already: the only failure that can be had at will.
async fn a_change_without_its_events_is_not_made(store: Store) {
    let mut ada = user("ada@example.com");
    let taken = events_of(&mut ada);
    store.users.claim(&ada, &taken).await.unwrap();
    let bob = user("bob@example.com");
    let claimed = store.users.claim(&bob, &taken).await;
    assert!(matches!(claimed, Err(ClaimError::Repository(RepositoryError::Unavailable(_)))), "{claimed:?}");
    assert!(store.users.find(bob.id()).await.unwrap().is_none());
    let seen = ada.issue();
    ada.activate().unwrap();
    let fresh = event(UserEvent::UserActivated { user_id: ada.id() });
    let saved = store.users.save(&ada, seen, &[fresh, taken[0].clone()]).await;
    assert!(matches!(saved, Err(SaveError::Repository(RepositoryError::Unavailable(_)))), "{saved:?}");
    assert!(!find(&store, &ada).await.is_active());
    assert_eq!(store.due().await.len(), 1);
    let carol = store.active("carol@example.com").await;
    let repeated = store.users.record_repeated_registration(carol.id(), Duration::ZERO, &taken[0]).await;
    assert!(repeated.is_err());
    let notice = event(UserEvent::RegistrationRepeated { user_id: carol.id() });
    assert!(store.users.record_repeated_registration(carol.id(), LONG, &notice).await.unwrap());
}

async fn a_password_hash_is_upgraded_unless_it_has_changed(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let (stronger, other) =
        (PasswordHash::from_phc("stronger".into()), PasswordHash::from_phc("other".into()));
    store.users.upgrade_password_hash(ada.id(), &other, &stronger).await.unwrap();
    assert_eq!(find(&store, &ada).await.password_hash(), ada.password_hash());
    store.users.upgrade_password_hash(ada.id(), ada.password_hash(), &stronger).await.unwrap();
    assert_eq!(find(&store, &ada).await.password_hash(), &stronger);
    store.users.upgrade_password_hash(ada.id(), ada.password_hash(), &other).await.unwrap();
    assert_eq!(find(&store, &ada).await.password_hash(), &stronger);
    store.users.upgrade_password_hash(UserId::from_uuid(next_id()), &other, &stronger).await.unwrap();
}

async fn a_repeated_registration_is_recorded_at_most_every_so_often(store: Store) {
    let ada = store.active("ada@example.com").await;
    let record = async |id, at_most_every| {
        let event = event(UserEvent::RegistrationRepeated { user_id: id });
        let recorded = store.users.record_repeated_registration(id, at_most_every, &event).await.unwrap();
        let due = store.due().await;
        let expected: &[_] = if recorded { &[event] } else { &[] };
        assert_eq!(due.into_iter().map(|entry| entry.event).collect::<Vec<_>>(), expected);
        recorded
    };
    assert!(record(ada.id(), LONG).await);
    assert!(!record(ada.id(), LONG).await);
    outlast(SHORT).await;
    assert!(record(ada.id(), SHORT).await);
    assert!(!record(ada.id(), LONG).await);
    let pending = store.registered("bob@example.com").await;
    assert!(!record(pending.id(), Duration::ZERO).await);
    assert!(!record(UserId::from_uuid(next_id()), Duration::ZERO).await);
}

async fn of_parallel_repetitions_one_is_recorded(store: Store) {
    let ada = store.active("ada@example.com").await;
    let attempts = join_all((0..20).map(|_| async {
        let event = event(UserEvent::RegistrationRepeated { user_id: ada.id() });
        store.users.record_repeated_registration(ada.id(), LONG, &event).await.unwrap()
    }));
    assert_eq!(attempts.await.into_iter().filter(|recorded| *recorded).count(), 1);
    assert_eq!(store.due().await.len(), 1);
}

async fn the_purge_takes_old_unverified_users_in_batches(store: Store) {
    let active = store.active("ada@example.com").await;
    let mut old = Vec::new();
    for number in 0..3 {
        old.push(store.registered(&format!("a{number}@example.com")).await);
    }
    assert_eq!(store.users.purge_unverified(LONG, 10).await.unwrap(), 0);
    outlast(SHORT).await;
    assert_eq!(store.users.purge_unverified(SHORT, 2).await.unwrap(), 2);
    assert!(store.users.find(old[0].id()).await.unwrap().is_none(), "the oldest go first");
    assert!(store.users.find(old[2].id()).await.unwrap().is_some());
    let young = store.registered("young@example.com").await;
    assert_eq!(store.users.purge_unverified(SHORT, 2).await.unwrap(), 1);
    assert!(store.users.find(young.id()).await.unwrap().is_some());
    assert!(find(&store, &active).await.is_active());
    store.registered("a0@example.com").await;
}

async fn parallel_purges_do_not_disturb_each_other(store: Store) {
    for number in 0..20 {
        store.registered(&format!("a{number}@example.com")).await;
    }
    outlast(Duration::ZERO).await;
    let mut purged = 0;
    while purged < 20 {
        let purges = (0..8).map(|_| store.users.purge_unverified(Duration::ZERO, 2));
        let round: u64 = join_all(purges).await.into_iter().map(Result::unwrap).sum();
        assert!(round >= 2, "somebody gets on");
        purged += round;
    }
    assert_eq!(purged, 20);
}

/// Goes away after every possible number of steps, also in the middle of the transaction.
async fn a_dropped_caller_leaves_nothing_half_done(store: Store) {
    for steps in 0..40 {
        let mut ada = user(&format!("a{steps}@example.com"));
        let events = events_of(&mut ada);
        let mut claim = store.users.claim(&ada, &events);
        for _ in 0..steps {
            if let Poll::Ready(done) = poll!(&mut claim) {
                done.unwrap();
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(claim);
        // The next change waits for what was begun.
        let next = store.registered(&format!("b{steps}@example.com")).await;
        assert!(store.users.find(next.id()).await.unwrap().is_some());
    }
    // Whoever was polled at all has begun; wait for the last of them.
    let last = user("a39@example.com");
    eventually(async || store.users.find_by_email(last.email()).await.unwrap()).await;
    let events = store.due().await;
    for steps in 0..40 {
        let email = user(&format!("a{steps}@example.com"));
        let stored = store.users.find_by_email(email.email()).await.unwrap();
        let recorded = stored
            .as_ref()
            .map(|user| events.iter().filter(|entry| entry.event.kind.user_id() == user.id()).count());
        match steps {
            0 => assert!(stored.is_none(), "a future that was never polled does nothing"),
            _ => assert_eq!(recorded, Some(1), "after {steps} steps"),
        }
    }
    assert_eq!(events.len(), 39);
}

async fn the_relay_is_woken_by_what_adds_events(store: Store) {
    let woken = || timeout(Duration::from_secs(5), store.events_recorded.notified());
    let mut ada = user("ada@example.com");
    claim(&store, &mut ada).await.unwrap();
    woken().await.expect("a claim wakes");
    assert!(claim(&store, &mut user("ada@example.com")).await.is_err());
    store.users.start_minute(ada.issue(), LONG).await.unwrap();
    assert!(store.events_recorded.notified().now_or_never().is_none(), "nothing was added");
    let seen = ada.issue();
    ada.activate().unwrap();
    let events = events_of(&mut ada);
    store.users.save(&ada, seen, &events).await.unwrap();
    woken().await.expect("a save wakes");
    let notice = event(UserEvent::RegistrationRepeated { user_id: ada.id() });
    store.users.record_repeated_registration(ada.id(), LONG, &notice).await.unwrap();
    woken().await.expect("a notice wakes");
}

async fn the_store_answers(store: Store) {
    store.users.ping().await.unwrap();
    store.registered("ada@example.com").await;
    store.users.ping().await.unwrap();
}
