//! What the webhook's receiver was sent.

use std::collections::{BTreeMap, BTreeSet};

use super::case::Case;
use super::row::{Row, Violation};
use crate::evidence::{Answer, Delivery, Exchange, History};

/// What the receiver is told of.
const ACTIVATED: &str = "user.activated";

pub(super) fn activations_are_told(case: &Case<'_>) -> Row {
    let told: BTreeSet<&str> = case
        .evidence
        .deliveries
        .iter()
        .filter(|delivery| delivery.kind == ACTIVATED)
        .map(|delivery| delivery.user.as_str())
        .collect();
    let (mut count, mut violations) = (0, Vec::new());
    let active = case.evidence.histories.iter();
    for history in active.filter(|history| history.exchanges.iter().any(Exchange::says_active)) {
        count += 1;
        if !active_users(case, history).iter().any(|user| told.contains(user)) {
            violations.push(Violation::of(&history.email, "no webhook told of its activation"));
        }
    }
    let found = (count - violations.len()).to_string();
    Row::new("active accounts that a webhook told of", count.to_string(), found, violations)
}

/// The user that was activated; all that it may be, where the client was not told which.
fn active_users<'a>(case: &'a Case<'_>, history: &'a History) -> Vec<&'a str> {
    let told = history.activations().find_map(|(_, exchange)| match &exchange.answer {
        Answer::Status { status: 200, user, .. } => user.as_deref(),
        _ => None,
    });
    match told {
        Some(user) => vec![user],
        None => users(case, history).collect(),
    }
}

/// The users of an address to whom mails were sent.
fn users<'a>(case: &'a Case<'_>, history: &'a History) -> impl Iterator<Item = &'a str> {
    case.mails_to(history).iter().filter_map(|copy| copy.issue()).map(|(user, _)| user)
}

pub(super) fn tell_of_activations(case: &Case<'_>) -> Row {
    let histories = case.evidence.histories.iter();
    let of_user: BTreeMap<&str, &History> = histories
        .flat_map(|history| users(case, history).map(move |user| (user, history)))
        .collect();
    let mut events: BTreeMap<&str, &str> = BTreeMap::new();
    let mut violations = Vec::new();
    for delivery in &case.evidence.deliveries {
        let history = of_user.get(delivery.user.as_str());
        let first = *events.entry(&delivery.user).or_insert(&delivery.id);
        let problem = if !delivery.is_signed {
            Some("its signature is wrong")
        } else if delivery.kind != ACTIVATED {
            Some("nobody wants such events")
        } else if !history.is_some_and(|history| may_be_active(history, delivery)) {
            Some("nobody has activated this user before")
        } else if first != delivery.id {
            Some("another event has told of this user")
        } else {
            None
        };
        if let Some(problem) = problem {
            let Delivery { id, kind, user, .. } = delivery;
            let what = format!("webhook {id}, {kind} of {user}: {problem}");
            let email = history.map_or("an unknown address", |history| &history.email);
            violations.push(Violation::of(email, what));
        }
    }
    let count = case.evidence.deliveries.len();
    let found = (count - violations.len()).to_string();
    Row::new("webhooks that tell of an activation", count.to_string(), found, violations)
}

/// Whether the client had sent a code before that may have activated the account.
fn may_be_active(history: &History, delivery: &Delivery) -> bool {
    history.activations().any(|(_, exchange)| {
        let may_have_succeeded = exchange.has_status(200) || exchange.answer.is_unknown();
        exchange.sent <= delivery.at && may_have_succeeded
    })
}

pub(super) fn repetitions_have_cause(case: &Case<'_>) -> Row {
    let mut by_id: BTreeMap<&str, Vec<&Delivery>> = BTreeMap::new();
    for delivery in &case.evidence.deliveries {
        by_id.entry(&delivery.id).or_default().push(delivery);
    }
    let (mut count, mut violations) = (0, Vec::new());
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for pair in by_id.values().flat_map(|deliveries| deliveries.windows(2)) {
        count += 1;
        if let Some(cause) = case.cause_of_repetition(pair[0], pair[1]) {
            *causes.entry(cause).or_default() += 1;
        } else {
            let (first, second) = (pair[0].at.as_secs_f64(), pair[1].at.as_secs_f64());
            let what = format!("webhook {} was sent at {first:.3} and {second:.3}", pair[0].id);
            violations.push(Violation::general(what));
        }
    }
    let causes: Vec<String> =
        causes.iter().map(|(cause, count)| format!("; {count} by {cause}")).collect();
    let found = format!("{count} repetitions{}", causes.concat());
    Row::new("repeated webhooks explained by a fault", "all", found, violations)
}
