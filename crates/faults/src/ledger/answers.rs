//! How the API answered.

use super::case::Case;
use super::row::{Row, Violation};
use crate::evidence::{At, Exchange};
use crate::schedule::{Fault, Part};

pub(super) fn no_server_error(case: &Case<'_>) -> Row {
    let (mut count, mut violations) = (0, Vec::new());
    for (email, exchange) in all(case) {
        let Some(status) = exchange.answer.status() else { continue };
        count += 1;
        if status >= 500 && status != 503 {
            violations.push(Violation::of(email, exchange.to_string()));
        }
    }
    let found = format!("{} of {count}", violations.len());
    Row::new("answers 500, or another server error but 503", "0", found, violations)
}

pub(super) fn in_time(case: &Case<'_>) -> Row {
    let (mut longest, mut violations) = (At::ZERO, Vec::new());
    for (email, exchange) in all(case) {
        let taken = exchange.ended.saturating_sub(exchange.sent);
        let counted = taken.saturating_sub(time_cut_off(case, exchange));
        longest = longest.max(counted);
        if counted > case.terms.answer_bound {
            let what = format!("{:.1} s: {exchange}", taken.as_secs_f64());
            violations.push(Violation::of(email, what));
        }
    }
    let expected = format!("at most {:.0?}", case.terms.answer_bound);
    let found = format!("at most {:.1} s", longest.as_secs_f64());
    Row::new("time until an answer, its API being reachable", expected, found, violations)
}

fn all<'a>(case: &Case<'a>) -> impl Iterator<Item = (&'a str, &'a Exchange)> {
    case.evidence.histories.iter().flat_map(|history| {
        history.exchanges.iter().map(|exchange| (history.email.as_str(), exchange))
    })
}

/// For how long of an exchange the process that was asked could not run, or not be talked to.
fn time_cut_off(case: &Case<'_>, exchange: &Exchange) -> At {
    let faults = case.evidence.faults.iter().filter(|observed| match observed.fault {
        Fault::Stopped(Part::Api(api)) | Fault::Network(Part::Api(api), _) => api == exchange.api,
        Fault::Stopped(Part::Standalone) | Fault::Network(Part::Standalone, _) => true,
        _ => false,
    });
    faults
        .map(|observed| {
            observed.end.min(exchange.ended).saturating_sub(observed.begin.max(exchange.sent))
        })
        .sum()
}
