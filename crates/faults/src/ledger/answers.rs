//! How the API answered.

use super::case::Case;
use super::row::{Row, Violation};
use crate::evidence::{At, Exchange, Request};
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
    let bounds = case.terms.answer_bounds;
    let (mut longest, mut violations) = ([At::ZERO; 3], Vec::new());
    for (email, exchange) in all(case) {
        let taken = exchange.ended.saturating_sub(exchange.sent);
        let counted = taken.saturating_sub(time_cut_off(case, exchange));
        let longest = &mut longest[match exchange.request {
            Request::Register => 0,
            Request::Resend => 1,
            Request::Activate(_) => 2,
        }];
        *longest = counted.max(*longest);
        if counted > bounds.of(&exchange.request) {
            let what = format!("{:.1} s: {exchange}", taken.as_secs_f64());
            violations.push(Violation::of(email, what));
        }
    }
    let seconds =
        |times: [At; 3]| times.map(|time| format!("{:.1}", time.as_secs_f64())).join(", ");
    let expected =
        format!("at most {} s", seconds([bounds.register, bounds.resend, bounds.activate]));
    let found = format!("at most {} s", seconds(longest));
    let what = "time until an answer (register, resend, activate), its API being reachable";
    Row::new(what, expected, found, violations)
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
