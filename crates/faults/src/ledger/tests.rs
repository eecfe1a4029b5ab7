//! Each rule, broken once by a transcript written by hand.

mod codes;
mod mails;
mod webhooks;

use std::time::Duration;

use super::{Ledger, Rule};
use crate::evidence::{
    Answer, AnswerBounds, Copy, Delivery, Ended, Evidence, Exchange, History, Leftover, Observed,
    Quantity, Request, Story, Terms, Usage,
};
use crate::schedule::{Fault, MailFault, Network, Part};

const EMAIL: &str = "ada@example.com";
const USER: &str = "u1";
const TERMS: Terms = Terms {
    attempts: 5,
    guesses: 12,
    window: Duration::from_mins(1),
    answer_bounds: AnswerBounds {
        register: Duration::from_secs(8),
        resend: Duration::from_secs(10),
        activate: Duration::from_secs(12),
    },
    enough: 1,
};

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn status(status: u16, problem: &str) -> Answer {
    let user = matches!(status, 200 | 201).then(|| USER.to_owned());
    Answer::Status { status, problem: problem.to_owned(), detail: String::new(), user }
}

fn lost() -> Answer {
    Answer::Lost("connection closed".to_owned())
}

/// A request at a time in seconds, answered a tenth of a second later.
fn exchange(sent: f64, request: Request, answer: Answer) -> Exchange {
    Exchange { request, api: 0, sent: at(sent), ended: at(sent + 0.1), answer }
}

fn activate(sent: f64, code: &str, answer: Answer) -> Exchange {
    exchange(sent, Request::Activate(code.to_owned()), answer)
}

fn mail(seconds: f64, number: u32, code: &str) -> Copy {
    Copy {
        to: EMAIL.to_owned(),
        message_id: format!("{USER}.{number}@example.com"),
        code: code.to_owned(),
        at: at(seconds),
        told: true,
    }
}

fn delivery(seconds: f64) -> Delivery {
    Delivery {
        id: "e1".to_owned(),
        kind: "user.activated".to_owned(),
        user: USER.to_owned(),
        at: at(seconds),
        told: true,
        is_signed: true,
    }
}

fn observed(fault: Fault, begin: f64, end: f64) -> Observed {
    let effect = Ok("it was seen".to_owned());
    Observed { fault, begin: at(begin), end: at(end), effect }
}

/// Registered at 1, mailed at 2, activated at 3, told to the product at 4, still active at 9.
fn clean() -> Evidence {
    let exchanges = vec![
        exchange(1.0, Request::Register, status(201, "")),
        activate(3.0, "1111", status(200, "")),
        exchange(9.0, Request::Resend, status(409, "already-active")),
    ];
    let history = History { email: EMAIL.to_owned(), story: Story::Activates, exchanges };
    Evidence {
        histories: vec![history],
        mails: vec![mail(2.0, 1, "1111")],
        deliveries: vec![delivery(4.0)],
        leftovers: vec![Leftover { place: "outbox".to_owned(), count: 0 }],
        ..Evidence::default()
    }
}

/// The clean evidence with these exchanges between the registration and the activation at 8.
fn with_exchanges(exchanges: Vec<Exchange>) -> Evidence {
    let mut evidence = clean();
    let history = &mut evidence.histories[0].exchanges;
    history[1] = activate(8.0, "1111", status(200, ""));
    history.splice(1..1, exchanges);
    evidence.deliveries = vec![delivery(8.5)];
    evidence
}

#[track_caller]
fn assert_holds(evidence: &Evidence) {
    let ledger = Ledger::of(evidence, &TERMS);
    assert!(ledger.holds(), "{ledger}");
}

#[track_caller]
fn assert_broken(evidence: &Evidence, rule: Rule) {
    let ledger = Ledger::of(evidence, &TERMS);
    assert!(ledger.shows(rule), "{rule:?} is not broken:\n{ledger}");
    let others: Vec<Rule> =
        Rule::ALL.into_iter().filter(|other| *other != rule && ledger.shows(*other)).collect();
    assert_eq!(others, [], "{ledger}");
}

#[test]
fn a_clean_run_breaks_no_rule() {
    assert_holds(&clean());
}

#[test]
fn a_run_without_registrations_shows_nothing() {
    assert_broken(&Evidence::default(), Rule::EnoughAccepted);
}

#[test]
fn a_fault_without_effect_fails_the_run() {
    let mut evidence = clean();
    let effect = Err("Redis takes writes".to_owned());
    evidence.faults = vec![Observed { effect, ..observed(Fault::RedisFull, 4.0, 5.0) }];
    assert_broken(&evidence, Rule::FaultsHadEffect);
}

#[test]
fn a_lost_mail_is_found() {
    let mut evidence = clean();
    evidence.mails.clear();
    evidence.histories[0].exchanges.truncate(1);
    let ledger = Ledger::of(&evidence, &TERMS);
    assert!(ledger.shows(Rule::AcceptedIsMailed) && ledger.shows(Rule::AcceptedIsActivated));
    assert!(ledger.to_string().contains("register -> 201"), "the history is told:\n{ledger}");
}

#[test]
fn a_lost_user_is_found() {
    let mut evidence = clean();
    evidence.histories[0].exchanges.truncate(1);
    evidence.histories[0].exchanges.push(activate(3.0, "1111", status(401, "invalid-credentials")));
    let ledger = Ledger::of(&evidence, &TERMS);
    assert!(ledger.shows(Rule::AcceptedIsActivated) && ledger.shows(Rule::RightCodesWork));
}

#[test]
fn an_account_that_is_pending_again_is_found() {
    let mut evidence = clean();
    evidence.histories[0].exchanges[2].answer = status(200, "");
    assert_broken(&evidence, Rule::ActiveStaysActive);
    evidence = clean();
    evidence.histories[0].exchanges.pop();
    assert_broken(&evidence, Rule::ActiveStaysActive);
}

#[test]
fn an_address_without_guesses_need_not_be_activated() {
    let guess = |number: u32, answer| activate(3.0 + f64::from(number) / 10.0, "9999", answer);
    let refused = |number| {
        let mut evidence = clean();
        let history = &mut evidence.histories[0].exchanges;
        history.truncate(1);
        history.extend((0..number).map(|number| guess(number, status(400, "code-invalid"))));
        history.push(activate(8.0, "1111", status(429, "too-many-attempts")));
        Ledger::of(&evidence, &TERMS)
    };
    assert!(refused(11).shows(Rule::AcceptedIsActivated));
    assert!(!refused(12).shows(Rule::AcceptedIsActivated));
}

#[test]
fn a_500_is_found_and_a_503_is_none() {
    let answered = |code| {
        let mut evidence = clean();
        let refused = exchange(0.5, Request::Register, status(code, "internal-error"));
        evidence.histories[0].exchanges.insert(0, refused);
        evidence
    };
    assert_holds(&answered(503));
    assert_broken(&answered(500), Rule::NoServerError);
}

#[test]
fn an_answer_that_takes_too_long_is_found_unless_its_api_could_not_be_asked() {
    let mut evidence = clean();
    evidence.histories[0].exchanges[2].ended = at(20.0);
    assert_broken(&evidence, Rule::AnswersInTime);
    evidence.faults = vec![observed(Fault::Stopped(Part::Api(1)), 9.0, 15.0)];
    assert_broken(&evidence, Rule::AnswersInTime);
    for fault in [Fault::Stopped(Part::Api(0)), Fault::Network(Part::Api(0), Network::Trickle)] {
        evidence.faults = vec![observed(fault, 9.0, 15.0)];
        assert_holds(&evidence);
    }
}

#[test]
fn each_request_has_a_time_bound_of_its_own() {
    let bounds = TERMS.answer_bounds;
    for (index, bound) in [bounds.register, bounds.activate, bounds.resend].into_iter().enumerate()
    {
        let mut evidence = clean();
        let exchange = &mut evidence.histories[0].exchanges[index];
        exchange.ended = exchange.sent + bound;
        assert_holds(&evidence);
        evidence.histories[0].exchanges[index].ended += Duration::from_millis(1);
        assert_broken(&evidence, Rule::AnswersInTime);
    }
}

#[test]
fn a_process_that_ends_by_itself_is_found() {
    let mut evidence = clean();
    let (process, status) = ("worker 1".to_owned(), "exit status: 101".to_owned());
    evidence.ends = vec![Ended { process, at: at(4.0), status }];
    assert_broken(&evidence, Rule::ProcessesSurvive);
}

#[test]
fn an_event_that_is_left_over_is_found() {
    let mut evidence = clean();
    evidence.leftovers[0].count = 1;
    assert_broken(&evidence, Rule::NothingIsLeft);
}

#[test]
fn what_grows_is_found() {
    for quantity in
        [Quantity::Memory, Quantity::Descriptors, Quantity::Threads, Quantity::Connections]
    {
        let mut usage = Usage { of: "API 1".to_owned(), quantity, before: 20, after: 22 };
        let mut evidence = clean();
        evidence.usages = vec![usage.clone()];
        assert_holds(&evidence);
        usage.after = 100_000;
        evidence.usages = vec![usage];
        assert_broken(&evidence, Rule::ResourcesReturn);
    }
}
