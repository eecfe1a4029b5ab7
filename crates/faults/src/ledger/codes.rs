//! What codes did, and guesses.

use super::case::Case;
use super::row::{Row, Violation};
use crate::evidence::{Answer, At, Copy, Exchange, History};

/// The end of a window and the answers about it cross each other.
const SLACK: At = At::from_secs(2);

pub(super) fn activations_had_code(case: &Case<'_>) -> Row {
    let (mut count, mut violations) = (0, Vec::new());
    for history in &case.evidence.histories {
        for (code, exchange) in successes(history) {
            count += 1;
            let sent = newest_mail(case, history, exchange.sent);
            if sent.is_none_or(|mail| mail.code != code) {
                let what = format!("{code} is not the code that was mailed last: {exchange}");
                violations.push(Violation::of(&history.email, what));
            }
        }
    }
    let found = (count - violations.len()).to_string();
    Row::new("activations with the code mailed last", count.to_string(), found, violations)
}

pub(super) fn work_once(case: &Case<'_>) -> Row {
    let mut violations = Vec::new();
    for history in &case.evidence.histories {
        let count = successes(history).count();
        if count > 1 {
            violations.push(Violation::of(&history.email, format!("activated {count} times")));
        }
    }
    let found = violations.len().to_string();
    Row::new("accounts activated more than once", "0", found, violations)
}

pub(super) fn guesses_stay_in_budget(case: &Case<'_>) -> Row {
    let (mut total, mut violations) = (0, Vec::new());
    for history in &case.evidence.histories {
        let compared: Vec<&Exchange> =
            history.exchanges.iter().filter(|exchange| exchange.was_compared()).collect();
        let (Some(first), Some(last)) =
            (history.exchanges.first(), compared.iter().map(|exchange| exchange.ended).max())
        else {
            continue;
        };
        total += compared.len();
        let per_code = case.terms.attempts * history.codes_until(last);
        let allowed = per_code.min(case.terms.guesses) * case.epochs(first.sent, last);
        if compared.len() > allowed {
            let what = format!("{} codes were compared, {allowed} are allowed", compared.len());
            violations.push(Violation::of(&history.email, what));
        }
    }
    let found = format!("{total} guesses, {} accounts over it", violations.len());
    let expected = format!("{} per code, {} per address", case.terms.attempts, case.terms.guesses);
    Row::new("guesses compared, within the budget", expected, found, violations)
}

pub(super) fn right_codes_work(case: &Case<'_>) -> Row {
    let (mut count, mut violations) = (0, Vec::new());
    for history in &case.evidence.histories {
        for (code, exchange) in history.activations() {
            let Some(mail) = newest_mail(case, history, exchange.sent) else { continue };
            if mail.code != code || may_be_superseded(mail, history, exchange.ended) {
                continue;
            }
            count += 1;
            if !is_explained(case, history, mail, exchange) {
                let what = format!("the right code was refused: {exchange}");
                violations.push(Violation::of(&history.email, what));
            }
        }
    }
    let found = format!("{} of {count}", count - violations.len());
    Row::new("right codes accepted, or lost to a fault", "all", found, violations)
}

fn successes(history: &History) -> impl Iterator<Item = (&str, &Exchange)> {
    history.activations().filter(|(_, exchange)| exchange.has_status(200))
}

/// The first copy of the newest code that was mailed to an account before a moment.
fn newest_mail<'a>(case: &Case<'a>, history: &History, moment: At) -> Option<&'a Copy> {
    let earlier = case.mails_to(history).iter().filter(|copy| copy.at <= moment);
    // The users of an address follow each other: their identifiers grow with time.
    earlier.copied().rev().max_by_key(|copy| copy.issue())
}

/// Whether another code may have been issued that replaced this one.
fn may_be_superseded(mail: &Copy, history: &History, moment: At) -> bool {
    let number = mail.issue().map_or(0, |(_, number)| number);
    u64::try_from(history.codes_until(moment)).unwrap_or(u64::MAX) > number
}

/// Whether the answer to a right code is as it should be.
fn is_explained(case: &Case<'_>, history: &History, mail: &Copy, exchange: &Exchange) -> bool {
    let Answer::Status { status, problem, .. } = &exchange.answer else { return true };
    let lost = || case.may_have_lost_window(mail.at, exchange.ended);
    match (status, problem.as_str()) {
        // 408: a connection that was opened ahead waited for its first request too long, just when
        // that came; the client may repeat it (RFC 9110 section 15.5.9).
        (200 | 408 | 503, _) => true,
        // An earlier activation went through although its answer was lost, or one is under way.
        (409, _) => history.activations().any(|(_, earlier)| {
            earlier.sent < exchange.ended
                && (earlier.answer.is_unknown() || earlier.has_status(200))
        }),
        (410, _) => exchange.ended + SLACK >= mail.at + case.terms.window || lost(),
        (429, "too-many-attempts") => {
            let spent = history.activations().filter(|(_, earlier)| {
                earlier.sent < exchange.ended && earlier.answer != Answer::NotSent
            });
            spent.count() > case.terms.attempts
        }
        (400, _) => !exchange.was_compared() && lost(),
        _ => false,
    }
}
