//! The rules about the webhook's receiver.

use super::*;
use crate::schedule::WebhookFault;

#[test]
fn an_activation_that_no_webhook_told_of_is_found() {
    let mut evidence = clean();
    evidence.deliveries.clear();
    assert_broken(&evidence, Rule::ActivationsAreTold);
    // Of the client whose answer was lost, too.
    evidence.histories[0].exchanges[1].answer = lost();
    assert_broken(&evidence, Rule::ActivationsAreTold);
    evidence.deliveries = vec![delivery(4.0)];
    assert_holds(&evidence);
}

#[test]
fn a_webhook_that_tells_of_no_activation_is_found() {
    let deliveries = [
        Delivery { user: "u2".to_owned(), ..delivery(4.0) },
        Delivery { kind: "user.registered".to_owned(), ..delivery(4.0) },
        Delivery { is_signed: false, ..delivery(4.0) },
        Delivery { id: "e2".to_owned(), ..delivery(4.0) },
        delivery(2.5),
    ];
    for wrong in deliveries {
        let mut evidence = clean();
        evidence.deliveries.push(wrong);
        let ledger = Ledger::of(&evidence, &TERMS);
        assert!(ledger.shows(Rule::WebhooksTellOfActivations), "{ledger}");
    }
    let mut evidence = clean();
    let refused = activate(3.0, "1111", status(400, "code-invalid"));
    evidence.histories[0].exchanges[1] = refused;
    let ledger = Ledger::of(&evidence, &TERMS);
    assert!(ledger.shows(Rule::WebhooksTellOfActivations), "{ledger}");
}

#[test]
fn a_repeated_webhook_needs_a_fault_at_its_time() {
    let mut evidence = clean();
    evidence.deliveries.push(delivery(14.0));
    assert_broken(&evidence, Rule::RepetitionsHaveCause);
    for (fault, begin) in [
        (Fault::Killed(Part::Worker(0)), 4.0),
        (Fault::Killed(Part::Api(0)), 8.0),
        (Fault::Network(Part::Rabbitmq, Network::Cut), 4.0),
        (Fault::Network(Part::Receiver, Network::Cut), 8.0),
        (Fault::Webhook(WebhookFault::Slow), 4.0),
        (Fault::DiskFull, 8.0),
        (Fault::Clock(Part::Api(0), 3600), 4.0),
    ] {
        evidence.faults = vec![observed(fault, begin, begin + 1.0)];
        assert_broken(&evidence, Rule::RepetitionsHaveCause);
    }
    for (fault, begin) in [
        (Fault::Killed(Part::Api(0)), 5.0),
        (Fault::Killed(Part::Standalone), 5.0),
        (Fault::Stopped(Part::Api(1)), 13.0),
        (Fault::Network(Part::Receiver, Network::BlackHole), 5.0),
        (Fault::DiskFull, 5.0),
        (Fault::Clock(Part::Standalone, -3600), 8.0),
    ] {
        evidence.faults = vec![observed(fault, begin, begin + 1.0)];
        assert_holds(&evidence);
    }
    evidence.faults.clear();
    evidence.deliveries[0].told = false;
    assert_holds(&evidence);
}
