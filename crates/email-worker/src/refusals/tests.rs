//! What is given up, and what waits.

use std::time::Duration;

use domain::ports::{MailError, Source};
use domain::{ErrorChain, EventId};
use metrics_exporter_prometheus::PrometheusBuilder;
use uuid::Uuid;

use super::memory::{CAPACITY, DOMAINS_OF_ALL, Memory, REFUSALS_OF_ALL};
use super::{Attempt, Refusals};

const START: Duration = Duration::from_hours(500_000);
const FIVE_DAYS: Duration = Duration::from_hours(5 * 24);

/// An event of that time (`UUIDv7`).
fn event(number: u64) -> EventId {
    EventId::from_uuid(Uuid::from_u128(
        START.as_millis() << 80 | 7 << 76 | 0b10 << 62 | u128::from(number),
    ))
}

struct Judge {
    refusals: Refusals,
    now: Duration,
}

impl Judge {
    fn new() -> Self {
        Self { refusals: Refusals::new(FIVE_DAYS), now: START }
    }

    fn judge(
        &self,
        event: EventId,
        domain: &str,
        sent: Result<(), MailError>,
    ) -> Result<(), MailError> {
        self.refusals.judge(Attempt { event, domain, now: self.now }, sent)
    }

    fn accept(&self, event: EventId) {
        self.judge(event, "accepted.example", Ok(())).unwrap();
    }

    /// A refusal at MAIL FROM or before.
    fn refuse_sender(&self, event: EventId, domain: &str) {
        let judged = self.judge(event, domain, Err(MailError::SenderRefused("550 not you".into())));
        assert!(matches!(judged, Err(MailError::SenderRefused(_))), "never the recipient's fault");
    }

    /// Whether a refusal is final, if its reply was.
    fn refuse(&self, event: EventId, domain: &str, is_final: bool) -> bool {
        let error = if is_final { MailError::Permanent } else { MailError::Refused };
        let judged = self.judge(event, domain, Err(error("550 no".into())));
        matches!(judged, Err(MailError::Permanent(_)))
    }
}

#[test]
fn a_reply_that_is_clear_is_believed() {
    let judge = Judge::new();
    assert!(judge.refuse(event(1), "a.example", true));
    assert!(!judge.refuse(event(2), "a.example", false));
    let busy = judge.judge(event(3), "a.example", Err(MailError::Transient("451 later".into())));
    assert!(matches!(busy, Err(MailError::Transient(_))));
}

#[test]
fn a_mail_refused_for_an_hour_while_others_are_accepted_is_given_up() {
    let mut judge = Judge::new();
    let (refused, other) = (event(1), event(2));
    for minutes in [0, 1, 2, 3, 30, 59] {
        judge.now = START + Duration::from_mins(minutes);
        assert!(!judge.refuse(refused, "a.example", false), "less than an hour");
        judge.accept(other);
    }
    judge.now = START + Duration::from_hours(1);
    assert!(judge.refuse(refused, "a.example", false));
    assert!(!judge.refuse(event(3), "a.example", false), "each recipient is judged alone");
}

#[test]
fn a_mail_is_not_given_up_before_the_fifth_refusal() {
    let mut judge = Judge::new();
    for hours in 0..4 {
        judge.now = START + Duration::from_hours(hours);
        assert!(!judge.refuse(event(1), "a.example", false));
        judge.accept(event(2));
    }
    judge.now = START + Duration::from_hours(4);
    assert!(judge.refuse(event(1), "a.example", false));
}

#[test]
fn a_mail_is_not_given_up_while_nobody_elses_is_accepted() {
    let mut judge = Judge::new();
    judge.accept(event(2));
    for hours in 0..20 {
        judge.now = START + Duration::from_hours(hours);
        assert!(!judge.refuse(event(1), "a.example", false));
    }
    judge.accept(event(3));
    assert!(judge.refuse(event(1), "a.example", false));
    assert!(
        !judge.refuse(event(1), "a.example", false),
        "nobody was accepted since the last refusal"
    );
}

#[test]
fn nothing_is_final_while_everybody_is_refused() {
    let judge = Judge::new();
    let domains = ["a.example", "b.example", "C.example"];
    for (number, domain) in (1..REFUSALS_OF_ALL.into()).zip(domains.iter().cycle()) {
        assert!(judge.refuse(event(number), domain, true));
    }
    assert!(!judge.refuse(event(100), "a.example", true));
    assert!(!judge.refuse(event(101), "d.example", true));
    judge.accept(event(100));
    assert!(judge.refuse(event(101), "d.example", true));
}

#[test]
fn refusals_of_the_sender_are_of_everybody() {
    let judge = Judge::new();
    let domains = ["a.example", "b.example", "c.example"];
    for (number, domain) in (1..REFUSALS_OF_ALL.into()).zip(domains.iter().cycle()) {
        judge.refuse_sender(event(number), domain);
    }
    assert!(!judge.refuse(event(100), "a.example", true), "the twentieth, whatever it says");
    judge.accept(event(1));
    assert!(judge.refuse(event(100), "a.example", true));
}

#[test]
fn a_mail_is_never_given_up_for_refusals_of_the_sender() {
    let mut judge = Judge::new();
    for hours in 0..20 {
        judge.now = START + Duration::from_hours(hours);
        judge.refuse_sender(event(1), "a.example");
        judge.accept(event(2));
    }
    judge.now += Duration::from_hours(1);
    assert!(!judge.refuse(event(1), "a.example", false), "the first refusal of the recipient");
}

#[test]
fn the_metric_tells_while_everybody_is_refused() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let is = |value: u8| {
        let rendered = metrics.render();
        let line = format!("registration_mails_all_refused {value}");
        assert!(rendered.lines().any(|rendered| rendered == line), "{line} in {rendered}");
    };
    metrics::with_local_recorder(&recorder, || {
        let judge = Judge::new();
        is(0);
        for (number, domain) in (1..REFUSALS_OF_ALL.into()).zip(["a", "b", "c"].iter().cycle()) {
            judge.refuse(event(number), domain, true);
        }
        is(0);
        judge.refuse(event(100), "a", true);
        is(1);
        judge.accept(event(100));
        is(0);
    });
}

#[test]
fn refusals_of_few_domains_or_between_acceptances_are_not_of_everybody() {
    let judge = Judge::new();
    let domains = ["a.example", "A.example", "b.example"];
    for (number, domain) in (0..100).zip(domains.iter().cycle()) {
        assert!(judge.refuse(event(number), domain, true));
    }
    let judge = Judge::new();
    for number in 0..100 {
        assert!(judge.refuse(event(number), &format!("{number}.example"), true));
        if number % 19 == 18 {
            judge.accept(event(1_000));
        }
    }
}

#[test]
fn rfc_5321_a_mail_that_is_never_accepted_is_given_up_in_the_end() {
    let mut judge = Judge::new();
    let failures: [fn(Source) -> MailError; 3] =
        [MailError::Transient, MailError::SenderRefused, MailError::Refused];
    for (age, is_given_up) in [(FIVE_DAYS, false), (FIVE_DAYS + Duration::from_millis(1), true)] {
        judge.now = START + age;
        for failure in failures {
            let judged = judge.judge(event(1), "a.example", Err(failure("no".into()))).unwrap_err();
            assert_eq!(matches!(judged, MailError::Permanent(_)), is_given_up);
            let told = ErrorChain(&judged).to_string();
            assert_eq!(told.contains("smtp.give_up_after"), is_given_up, "{told}");
            assert!(told.ends_with(": no"), "{told}");
        }
    }
}

#[test]
fn what_is_remembered_is_bounded() {
    let judge = Judge::new();
    for number in 0..CAPACITY as u64 + 10 {
        judge.refuse(event(number), &format!("{number}.example"), false);
    }
    let memory = judge.refusals.memory.lock().unwrap();
    assert_eq!(memory.size(), (CAPACITY, DOMAINS_OF_ALL));
}

#[test]
fn there_is_one_alarm_per_outage() {
    let mut memory = Memory::default();
    for _ in 0..2 {
        let alarms =
            (0..100).filter(|number| memory.count_refusal(&format!("{number}.example"))).count();
        assert_eq!(alarms, 1);
        assert_eq!([1, 2].map(|number| memory.accept(event(number))), [true, false]);
    }
}
