//! What the mail server was sent.

use std::collections::BTreeMap;

use super::case::Case;
use super::row::{Row, Violation};
use crate::evidence::{Answer, Copy, History};

pub(super) fn were_asked_for(case: &Case<'_>) -> Row {
    let histories: BTreeMap<&str, &History> =
        case.evidence.histories.iter().map(|history| (history.email.as_str(), history)).collect();
    let mut violations = Vec::new();
    for copy in &case.evidence.mails {
        let problem = match histories.get(copy.to.as_str()) {
            None => Some("nobody has registered this address"),
            Some(history) => unasked(copy, history),
        };
        if let Some(problem) = problem {
            let what = format!("mail {}: {problem}", copy.message_id);
            violations.push(Violation::of(&copy.to, what));
        }
    }
    let count = case.evidence.mails.len();
    let found = (count - violations.len()).to_string();
    Row::new("mails that somebody had asked for", count.to_string(), found, violations)
}

/// Why nobody has asked for a mail.
fn unasked(copy: &Copy, history: &History) -> Option<&'static str> {
    let Some((user, number)) = copy.issue() else {
        return Some("its Message-ID names no code");
    };
    let mut possible = history
        .registrations()
        .filter(|exchange| exchange.sent <= copy.at)
        .map(|exchange| &exchange.answer);
    let is_known = possible.any(|answer| match answer {
        Answer::Status { status: 201, user: known, .. } => known.as_deref() == Some(user),
        answer => answer.is_unknown(),
    });
    let codes = u64::try_from(history.codes_until(copy.at)).unwrap_or(u64::MAX);
    if !is_known {
        Some("no registration of this user was accepted")
    } else if number > codes {
        Some("nobody has asked for so many codes")
    } else {
        None
    }
}

pub(super) fn duplicates_have_cause(case: &Case<'_>) -> Row {
    let (mut count, mut violations) = (0, Vec::new());
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for copies in by_message_id(case).values() {
        for pair in copies.windows(2) {
            count += 1;
            if let Some(fault) = case.cause_of_duplicate(pair[0], pair[1]) {
                *causes.entry(fault).or_default() += 1;
            } else {
                let Copy { to, message_id, at, .. } = pair[0];
                let (first, second) = (at.as_secs_f64(), pair[1].at.as_secs_f64());
                let what = format!("{message_id} was mailed at {first:.3} and {second:.3}");
                violations.push(Violation::of(to, what));
            }
        }
    }
    let causes: Vec<String> =
        causes.iter().map(|(fault, count)| format!("; {count} by {fault}")).collect();
    let found = format!("{count} duplicates{}", causes.concat());
    Row::new("duplicate mails explained by a fault", "all", found, violations)
}

pub(super) fn duplicates_are_equal(case: &Case<'_>) -> Row {
    let (mut violations, ids) = (Vec::new(), by_message_id(case));
    for (message_id, copies) in &ids {
        let first = copies[0];
        if copies.iter().any(|copy| copy.code != first.code || copy.to != first.to) {
            let what = format!("{message_id} was mailed with different codes");
            violations.push(Violation::of(&first.to, what));
        }
    }
    let found = (ids.len() - violations.len()).to_string();
    Row::new("Message-IDs with one code each", ids.len().to_string(), found, violations)
}

fn by_message_id<'a>(case: &Case<'a>) -> BTreeMap<&'a str, Vec<&'a Copy>> {
    let mut ids: BTreeMap<&str, Vec<&Copy>> = BTreeMap::new();
    for copy in &case.evidence.mails {
        ids.entry(copy.message_id.as_str()).or_default().push(copy);
    }
    ids
}
