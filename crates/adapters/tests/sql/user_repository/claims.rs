//! Claims of an address, and the minute that ends them.

use super::{assert_same, claim, find};
use crate::fixtures::{LONG_PERIOD, SHORT_PERIOD, Store, events_of, outlast, user};
use domain::ports::ClaimError;
use domain::{CodeIssue, User, UserEvent, UserId, UserStatus};
use futures::future::join_all;
use std::time::Duration;
use test_support::{eventually, unique_id};
use tokio::time::Instant;

on_every_store! {
    asvs_2_3_3_a_claim_stores_the_user_and_its_event,
    asvs_1_2_4_unusual_addresses_are_kept_exactly,
    addresses_are_compared_case_insensitively,
    a_claim_holds_the_address,
    a_lapsed_claim_is_taken_over_and_gone,
    asvs_15_4_2_of_parallel_claims_one_wins,
    asvs_15_4_2_of_parallel_takeovers_one_wins,
    each_of_parallel_claims_is_about_its_own_address,
    the_minute_belongs_to_the_current_code_of_a_pending_user,
    a_minute_can_be_started_again,
    a_released_address_can_be_claimed_at_once,
    each_of_parallel_holds_and_finds_is_about_its_own_user,
}

async fn asvs_2_3_3_a_claim_stores_the_user_and_its_event(store: Store) {
    let mut ada = user("Ada@example.com");
    let events = events_of(&mut ada);
    store.users.claim(&ada, &events).await.unwrap();
    for stored in [store.users.find(ada.id()).await, store.users.find_by_email(ada.email()).await] {
        let stored = stored.unwrap().unwrap();
        assert_same(&stored, &ada);
        assert_eq!(stored.status(), UserStatus::Pending { code_mailed: false });
    }
    let due = store.due().await;
    assert_eq!(
        due.iter().map(|entry| &entry.event).collect::<Vec<_>>(),
        events.iter().collect::<Vec<_>>()
    );
    assert!(store.users.find(UserId::from_uuid(unique_id())).await.unwrap().is_none());
    assert!(store.users.find_by_email(user("bob@example.com").email()).await.unwrap().is_none());
}

async fn asvs_1_2_4_unusual_addresses_are_kept_exactly(store: Store) {
    let longest = format!("{}@{}.com", "a".repeat(64), ["b".repeat(59).as_str(); 3].join("."));
    for email in [
        "o'brien@example.com",
        "a!b+tag@example.co.uk",
        "%_x@example.com",
        "x@bücher.example",
        &longest,
    ] {
        let stored = store.registered(email).await;
        assert_same(&find(&store, &stored).await, &stored);
        assert_same(&store.users.find_by_email(stored.email()).await.unwrap().unwrap(), &stored);
    }
}

async fn addresses_are_compared_case_insensitively(store: Store) {
    let ada = store.registered("Ada@example.com").await;
    let found = store.users.find_by_email(user("aDA@EXAMPLE.com").email()).await.unwrap().unwrap();
    assert_same(&found, &ada);
    assert!(matches!(
        claim(&store, &mut user("ADA@example.com")).await,
        Err(ClaimError::EmailTaken)
    ));
}

async fn a_claim_holds_the_address(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let refused = async || {
        let refused = claim(&store, &mut user("ada@example.com")).await;
        assert!(matches!(refused, Err(ClaimError::EmailTaken)), "{refused:?}");
    };
    refused().await;
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
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
    store.users.hold_address(earlier.issue(), SHORT_PERIOD).await.unwrap();
    eventually("the claim to lapse", async || match store.users.claim(&later, &events).await {
        Ok(()) => Some(()),
        Err(ClaimError::EmailTaken) => None,
        Err(error) => panic!("{error}"),
    })
    .await;
    assert!(started.elapsed() >= SHORT_PERIOD, "taken over after {:?}", started.elapsed());
    assert!(store.users.find(earlier.id()).await.unwrap().is_none());
    let stored = store.users.find_by_email(earlier.email()).await.unwrap().unwrap();
    assert_same(&stored, &later);
    assert_eq!(stored.status(), UserStatus::Pending { code_mailed: false });
    assert_eq!(store.due().await.len(), 1);
    store.users.hold_address(earlier.issue(), SHORT_PERIOD).await.unwrap();
    assert_eq!(find(&store, &later).await.status(), UserStatus::Pending { code_mailed: false });
    assert!(matches!(
        claim(&store, &mut user("ada@example.com")).await,
        Err(ClaimError::EmailTaken)
    ));
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

async fn asvs_15_4_2_of_parallel_claims_one_wins(store: Store) {
    contend(&store).await;
}

async fn asvs_15_4_2_of_parallel_takeovers_one_wins(store: Store) {
    let earlier = store.registered("ada@example.com").await;
    store.users.release_address(earlier.issue()).await.unwrap();
    outlast(Duration::ZERO).await;
    let winner = contend(&store).await;
    assert_ne!(winner.id(), earlier.id());
}

async fn each_of_parallel_claims_is_about_its_own_address(store: Store) {
    // The first addresses are taken, and everybody claims in a row of their own.
    let address = |number: usize| format!("{}@example.com", number % 60);
    for number in 0..10 {
        store.registered(&address(number)).await;
    }
    let store = &store;
    let claims = (0..120).map(async |number| {
        let mut user = user(&address(number));
        (claim(store, &mut user).await.is_ok(), user)
    });
    let (winners, losers): (Vec<_>, Vec<_>) =
        join_all(claims).await.into_iter().partition(|(won, _)| *won);
    assert_eq!((winners.len(), losers.len()), (50, 70));
    for (_, winner) in &winners {
        assert_same(&store.users.find_by_email(winner.email()).await.unwrap().unwrap(), winner);
    }
    let mut events: Vec<_> =
        store.due().await.iter().map(|entry| entry.event.kind.user_id()).collect();
    let mut expected: Vec<_> = winners.iter().map(|(_, winner)| winner.id()).collect();
    events.sort();
    expected.sort();
    assert_eq!(events, expected, "an event for each winner, and no other");
}

async fn the_minute_belongs_to_the_current_code_of_a_pending_user(store: Store) {
    let ada = store.registered("ada@example.com").await;
    let other = |number| CodeIssue { number, ..ada.issue() };
    let unknown = CodeIssue { user_id: UserId::from_uuid(unique_id()), number: 1 };
    for issue in [other(2), unknown] {
        store.users.hold_address(issue, LONG_PERIOD).await.unwrap();
    }
    assert_eq!(find(&store, &ada).await.status(), UserStatus::Pending { code_mailed: false });
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    assert_eq!(find(&store, &ada).await.status(), UserStatus::Pending { code_mailed: true });
    let bob = store.active("bob@example.com").await;
    store.users.release_address(bob.issue()).await.unwrap();
    assert!(find(&store, &bob).await.is_active());
}

async fn a_minute_can_be_started_again(store: Store) {
    let ada = store.registered("ada@example.com").await;
    store.users.hold_address(ada.issue(), SHORT_PERIOD).await.unwrap();
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    outlast(SHORT_PERIOD).await;
    assert!(matches!(
        claim(&store, &mut user("ada@example.com")).await,
        Err(ClaimError::EmailTaken)
    ));
}

async fn a_released_address_can_be_claimed_at_once(store: Store) {
    let ada = store.registered("ada@example.com").await;
    store.users.release_address(ada.issue()).await.unwrap();
    let mut later = user("ada@example.com");
    claim(&store, &mut later).await.unwrap();
    assert_same(&find(&store, &later).await, &later);
}

async fn each_of_parallel_holds_and_finds_is_about_its_own_user(store: Store) {
    let register = async |number| store.registered(&format!("{number}@example.com")).await;
    let users = join_all((0..120).map(register)).await;
    let is_held = |index: usize| index.is_multiple_of(3);
    let hold = users.iter().enumerate().map(|(index, user)| {
        // Also twice, and with a number that is not the current one.
        let number = if is_held(index) { 1 } else { 2 };
        let issue = CodeIssue { number, ..user.issue() };
        let users = &store.users;
        let hold = move || users.hold_address(issue, LONG_PERIOD);
        async move { tokio::try_join!(hold(), hold()).unwrap() }
    });
    join_all(hold).await;
    let find = join_all(users.iter().map(|user| find(&store, user))).await;
    for (index, (found, user)) in find.iter().zip(&users).enumerate() {
        assert_same(found, user);
        assert_eq!(found.status(), UserStatus::Pending { code_mailed: is_held(index) });
    }
    let unknown = (0..20).map(|_| store.users.find(UserId::from_uuid(unique_id())));
    assert!(join_all(unknown).await.into_iter().all(|found| found.unwrap().is_none()));
}
