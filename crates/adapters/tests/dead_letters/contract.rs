//! What every implementation of `DeadLetters` has to do.

use std::ops::ControlFlow;
use std::time::Duration;

use domain::EventId;
use domain::ports::DeadLetterAction::{Discard, List, Replay};
use domain::ports::DeadLetterSelection;
use futures::future::join_all;

use super::{Entry, Shelf, act, apply, entries, failed_at, ids, ids_with, listed};

/// More than two pages.
const MANY: usize = 1100;

/// Runs the contract on a kind of shelf, which an async function makes.
macro_rules! dead_letter_contract {
    ($shelf:expr) => {
        crate::dead_letters::contract::dead_letter_contract! { $shelf;
            everything_that_is_known_is_listed_and_stays,
            a_selection_meets_every_condition,
            what_is_replayed_is_delivered_once_and_the_rest_stays,
            what_is_discarded_is_gone_and_the_rest_stays,
            nothing_is_done_to_an_empty_selection,
            a_list_that_is_broken_off_loses_nothing,
            any_number_is_read_once_each_in_their_order,
            commands_beside_each_other_lose_and_double_nothing,
            lists_beside_each_other_are_complete,
            looking_often_loses_nothing,
        }
    };
    ($shelf:expr; $($case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                crate::dead_letters::contract::$case($shelf.await).await;
            }
        )+
    };
}
pub(crate) use dead_letter_contract;

fn all_ids(entries: &[Entry]) -> Vec<EventId> {
    entries.iter().map(|entry| entry.event.id).collect()
}

fn reason(text: &str) -> DeadLetterSelection {
    DeadLetterSelection { reason: Some(text.into()), ..Default::default() }
}

/// The same ones in the same order. Says where they differ.
fn assert_same(actual: &[EventId], expected: &[EventId], what: &str) {
    let differs = actual.iter().zip(expected).position(|(actual, expected)| actual != expected);
    assert_eq!((actual.len(), differs), (expected.len(), None), "{what}");
}

fn sorted(mut ids: Vec<EventId>) -> Vec<EventId> {
    ids.sort();
    ids
}

pub(crate) async fn everything_that_is_known_is_listed_and_stays(shelf: impl Shelf) {
    let entries = entries(3, &["refused: \"550\";\n-- 'x'"]);
    shelf.put(&entries).await;
    for _ in 0..2 {
        let letters = listed(shelf.letters()).await;
        assert_eq!(ids(&letters), all_ids(&entries), "the oldest first");
        for (letter, entry) in letters.iter().zip(&entries) {
            assert_eq!(letter.kind.as_deref(), Some("user.activated"));
            assert_eq!(letter.reason, entry.reason);
            assert_eq!(letter.failed_at, Some(entry.failed_at));
            assert_eq!(letter.attempts, Some(4));
            assert!(letter.event.contains(&entry.event.kind.user_id().to_string()));
        }
    }
    assert!(shelf.delivered().await.is_empty());
}

pub(crate) async fn a_selection_meets_every_condition(shelf: impl Shelf) {
    let entries = entries(6, &["refused: 550", "unroutable"]);
    shelf.put(&entries).await;
    let all = all_ids(&entries);
    let cases = [
        (reason("550"), vec![0, 2, 4]),
        (reason("REFUSED"), vec![]),
        (reason("5%0"), vec![]),
        (DeadLetterSelection { since: Some(failed_at(4)), ..Default::default() }, vec![4, 5]),
        (DeadLetterSelection { since: Some(failed_at(6)), ..Default::default() }, vec![]),
        (DeadLetterSelection { ids: vec![all[3], all[0]], ..Default::default() }, vec![0, 3]),
        (
            DeadLetterSelection {
                ids: vec![all[0], all[2], all[3]],
                reason: Some("refused".into()),
                since: Some(failed_at(1)),
            },
            vec![2],
        ),
    ];
    for (selection, expected) in cases {
        let letters = apply(shelf.letters(), List, &selection).await.unwrap();
        let expected: Vec<EventId> = expected.into_iter().map(|n: usize| all[n]).collect();
        assert_eq!(ids(&letters), expected, "{selection:?}");
    }
}

pub(crate) async fn what_is_replayed_is_delivered_once_and_the_rest_stays(shelf: impl Shelf) {
    let entries = entries(7, &["refused", "unroutable"]);
    shelf.put(&entries).await;
    let replayed = apply(shelf.letters(), Replay, &reason("refused")).await.unwrap();
    assert_eq!(ids(&replayed), ids_with(&entries, "refused"));
    assert!(replayed.iter().all(|letter| letter.reason == "refused"), "as they were");
    assert_eq!(sorted(shelf.delivered().await), ids_with(&entries, "refused"));
    assert_eq!(ids(&act(shelf.letters(), Replay).await), ids_with(&entries, "unroutable"));
    assert_eq!(sorted(shelf.delivered().await), ids_with(&entries, "unroutable"));
    assert!(listed(shelf.letters()).await.is_empty());
}

pub(crate) async fn what_is_discarded_is_gone_and_the_rest_stays(shelf: impl Shelf) {
    let entries = entries(7, &["refused", "unroutable"]);
    shelf.put(&entries).await;
    let discarded = apply(shelf.letters(), Discard, &reason("refused")).await.unwrap();
    assert_eq!(ids(&discarded), ids_with(&entries, "refused"));
    assert_eq!(ids(&listed(shelf.letters()).await), ids_with(&entries, "unroutable"));
    assert_eq!(ids(&act(shelf.letters(), Discard).await), ids_with(&entries, "unroutable"));
    assert!(listed(shelf.letters()).await.is_empty());
    assert!(shelf.delivered().await.is_empty());
}

pub(crate) async fn nothing_is_done_to_an_empty_selection(shelf: impl Shelf) {
    for action in [List, Replay, Discard] {
        assert!(act(shelf.letters(), action).await.is_empty());
    }
    let entries = entries(2, &["refused"]);
    shelf.put(&entries).await;
    for action in [List, Replay, Discard] {
        assert!(apply(shelf.letters(), action, &reason("other")).await.unwrap().is_empty());
    }
    assert_eq!(ids(&listed(shelf.letters()).await), all_ids(&entries));
    assert!(shelf.delivered().await.is_empty());
}

pub(crate) async fn a_list_that_is_broken_off_loses_nothing(shelf: impl Shelf) {
    let entries = entries(5, &["refused"]);
    shelf.put(&entries).await;
    let mut visits = 0;
    let mut visit = |_| {
        visits += 1;
        if visits == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    shelf.letters().apply(List, &DeadLetterSelection::default(), &mut visit).await.unwrap();
    assert_eq!(visits, 2);
    assert_eq!(ids(&listed(shelf.letters()).await), all_ids(&entries));
}

pub(crate) async fn any_number_is_read_once_each_in_their_order(shelf: impl Shelf) {
    let entries = entries(MANY, &["refused", "unroutable", "too large"]);
    shelf.put(&entries).await;
    for _ in 0..2 {
        assert_same(&ids(&listed(shelf.letters()).await), &all_ids(&entries), "all");
    }
    let discarded = apply(shelf.letters(), Discard, &reason("refused")).await.unwrap();
    assert_same(&ids(&discarded), &ids_with(&entries, "refused"), "discarded");
    let replayed = apply(shelf.letters(), Replay, &reason("too large")).await.unwrap();
    assert_same(&ids(&replayed), &ids_with(&entries, "too large"), "replayed");
    assert_same(&ids(&listed(shelf.letters()).await), &ids_with(&entries, "unroutable"), "left");
    assert_same(&sorted(shelf.delivered().await), &ids_with(&entries, "too large"), "delivered");
}

pub(crate) async fn commands_beside_each_other_lose_and_double_nothing(shelf: impl Shelf) {
    let entries = entries(MANY, &["refused", "unroutable"]);
    shelf.put(&entries).await;
    let refused = reason("refused");
    let unroutable = reason("unroutable");
    let commands = [
        (Replay, &refused),
        (Discard, &unroutable),
        (List, &refused),
        (Replay, &refused),
        (Discard, &unroutable),
    ];
    let running = commands.map(|(action, selection)| apply(shelf.letters(), action, selection));
    let visited = join_all(running).await.into_iter().map(|letters| ids(&letters.unwrap()));
    let visited: Vec<Vec<EventId>> = visited.collect();
    let replayed = [visited[0].as_slice(), &visited[3]].concat();
    assert_same(&sorted(replayed), &ids_with(&entries, "refused"), "replayed once");
    let discarded = [visited[1].as_slice(), &visited[4]].concat();
    assert_same(&sorted(discarded), &ids_with(&entries, "unroutable"), "discarded once");
    assert_same(&sorted(shelf.delivered().await), &ids_with(&entries, "refused"), "delivered once");
    assert!(listed(shelf.letters()).await.is_empty());
}

pub(crate) async fn lists_beside_each_other_are_complete(shelf: impl Shelf) {
    let entries = entries(20, &["refused"]);
    shelf.put(&entries).await;
    let lists = join_all((0..3).map(|_| listed(shelf.letters()))).await;
    for letters in lists {
        assert_eq!(ids(&letters), all_ids(&entries));
    }
}

/// A quorum queue would by default drop a message that is given back for the 21st time.
pub(crate) async fn looking_often_loses_nothing(shelf: impl Shelf) {
    let entries = entries(3, &["refused"]);
    shelf.put(&entries).await;
    let now = failed_at(0) + Duration::from_hours(1);
    let recent = DeadLetterSelection { since: Some(now), ..Default::default() };
    for round in 0..50 {
        let action = [List, Replay, Discard][round % 3];
        assert!(apply(shelf.letters(), action, &recent).await.unwrap().is_empty());
    }
    assert_eq!(ids(&listed(shelf.letters()).await), all_ids(&entries));
}
