//! The rules about mails.

use super::*;

#[test]
fn a_mail_that_nobody_asked_for_is_found() {
    let stranger = Copy { to: "bob@example.com".to_owned(), ..mail(2.0, 1, "2222") };
    for unasked in [stranger, mail(4.0, 2, "2222")] {
        let mut evidence = clean();
        let message_id = format!("{USER}.2@example.com");
        evidence.mails.push(Copy { message_id, ..unasked });
        assert_broken(&evidence, Rule::MailsWereAskedFor);
    }
    let mut evidence = clean();
    evidence.histories[0].exchanges.insert(1, exchange(2.0, Request::Resend, lost()));
    evidence.mails.push(mail(4.0, 2, "2222"));
    assert_holds(&evidence);
}

#[test]
fn a_duplicate_needs_a_fault_at_its_time() {
    let mut evidence = clean();
    evidence.mails.push(mail(5.0, 1, "1111"));
    assert_broken(&evidence, Rule::DuplicatesHaveCause);
    for (fault, begin) in [
        (Fault::Killed(Part::Api(0)), 2.0),
        (Fault::Killed(Part::Worker(0)), 9.0),
        (Fault::Network(Part::Rabbitmq, Network::Cut), 2.0),
        (Fault::Mail(MailFault::Slow), 2.0),
        (Fault::RedisFull, 6.0),
    ] {
        evidence.faults = vec![observed(fault, begin, begin + 1.0)];
        assert_broken(&evidence, Rule::DuplicatesHaveCause);
    }
    for (fault, begin) in [
        (Fault::Killed(Part::Worker(0)), 3.0),
        (Fault::Network(Part::Smtp, Network::Cut), 2.0),
        (Fault::RedisFull, 1.5),
        (Fault::RedisEmptied, 4.0),
    ] {
        evidence.faults = vec![observed(fault, begin, begin + 1.0)];
        assert_holds(&evidence);
    }
    evidence.faults.clear();
    evidence.mails[0].told = false;
    assert_holds(&evidence);
}

#[test]
fn a_mail_of_a_dead_worker_may_be_accepted_after_that_of_its_successor() {
    let mut evidence = with_exchanges(Vec::new());
    evidence.mails = vec![mail(6.5, 1, "1111"), mail(6.6, 1, "1111")];
    let killed = |begin| vec![observed(Fault::Killed(Part::Worker(0)), begin, begin + 0.5)];
    evidence.faults = killed(3.0);
    assert_holds(&evidence);
    evidence.faults = killed(1.0);
    assert_broken(&evidence, Rule::DuplicatesHaveCause);
}

#[test]
fn a_duplicate_with_another_code_is_found() {
    let mut evidence = clean();
    evidence.mails[0].told = false;
    evidence.mails.push(mail(5.0, 1, "2222"));
    assert_broken(&evidence, Rule::DuplicatesAreEqual);
}
