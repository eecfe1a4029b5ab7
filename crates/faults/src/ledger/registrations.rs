//! What was promised with 201.

use super::case::Case;
use super::row::{Row, Violation};
use crate::evidence::{Answer, Exchange, History, Request};

pub(super) fn enough_accepted(case: &Case<'_>) -> Row {
    let (asked, accepted) = (case.evidence.histories.len(), accepted(case).count());
    let enough = case.terms.enough;
    let mut violations = Vec::new();
    if accepted < enough {
        let what = format!("{accepted} registrations were accepted, which shows little");
        violations.push(Violation::general(what));
    }
    let found = format!("{accepted} of {asked}");
    Row::new("registrations accepted", format!("at least {enough}"), found, violations)
}

pub(super) fn accepted_is_mailed(case: &Case<'_>) -> Row {
    let (mut mailed, mut violations) = (0, Vec::new());
    for history in accepted(case) {
        for user in users(history) {
            let copies = case.mails_to(history).iter();
            if copies.filter_map(|copy| copy.issue()).any(|(of, _)| of == user) {
                mailed += 1;
            } else {
                violations.push(Violation::of(&history.email, format!("no mail for {user}")));
            }
        }
    }
    let expected = accepted(case).count().to_string();
    Row::new("accepted registrations that got a mail", expected, mailed.to_string(), violations)
}

pub(super) fn accepted_is_activated(case: &Case<'_>) -> Row {
    let (mut active, mut used_up, mut violations) = (0, 0, Vec::new());
    for history in accepted(case) {
        if history.exchanges.iter().any(Exchange::says_active) {
            active += 1;
        } else if has_used_up_guesses(history, case.terms.guesses) {
            used_up += 1;
        } else {
            violations.push(Violation::of(&history.email, "it could not be activated"));
        }
    }
    let expected = (accepted(case).count() - used_up).to_string();
    let found = format!("{active}, and {used_up} had no guesses left");
    Row::new("accepted registrations whose code worked", expected, found, violations)
}

/// Whether a client has guessed so often that its address has no guess left for the right code.
fn has_used_up_guesses(history: &History, allowed: usize) -> bool {
    let guesses = history
        .activations()
        .filter(|(_, exchange)| exchange.was_compared() || exchange.answer.is_unknown());
    let last = history.activations().last();
    guesses.count() >= allowed && last.is_some_and(|(_, exchange)| exchange.has_status(429))
}

pub(super) fn active_stays_active(case: &Case<'_>) -> Row {
    let (mut expected, mut found, mut violations) = (0, 0, Vec::new());
    for history in &case.evidence.histories {
        let Some(first) = history.exchanges.iter().find(|exchange| exchange.says_active()) else {
            continue;
        };
        expected += 1;
        let later = history.exchanges.iter().filter(|exchange| exchange.sent >= first.ended);
        let denied: Vec<_> = later.filter(|exchange| denies_active(exchange)).collect();
        let last = history.exchanges.last();
        if let Some(exchange) = denied.first() {
            let what = format!("it was active, and then: {exchange}");
            violations.push(Violation::of(&history.email, what));
        } else if last
            .is_some_and(|exchange| exchange.request == Request::Resend && exchange.says_active())
        {
            found += 1;
        } else {
            violations.push(Violation::of(&history.email, "it was not seen active in the end"));
        }
    }
    let expected = format!("{expected}");
    Row::new("active accounts that are active in the end", expected, found.to_string(), violations)
}

/// Whether an answer contradicts that the account is active.
fn denies_active(exchange: &Exchange) -> bool {
    match exchange.request {
        Request::Register | Request::Resend => {
            exchange.answer.status() < Some(300) && exchange.answer.status().is_some()
                || exchange.has_status(401)
        }
        Request::Activate(_) => exchange.has_status(401) || exchange.was_compared(),
    }
}

fn accepted<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a History> {
    case.evidence.histories.iter().filter(|history| history.is_accepted())
}

/// The users that a client was told of.
fn users(history: &History) -> impl Iterator<Item = &str> {
    history.registrations().filter_map(|exchange| match &exchange.answer {
        Answer::Status { status: 201, user, .. } => user.as_deref(),
        _ => None,
    })
}
