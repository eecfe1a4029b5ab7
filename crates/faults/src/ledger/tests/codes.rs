//! The rules about codes and guesses.

use super::*;

#[test]
fn an_activation_with_a_wrong_code_is_found() {
    let mut evidence = clean();
    evidence.histories[0].exchanges[1] = activate(3.0, "9999", status(200, ""));
    assert_broken(&evidence, Rule::ActivationsHadCode);
    evidence.histories[0].exchanges[1] = activate(1.5, "1111", status(200, ""));
    assert_broken(&evidence, Rule::ActivationsHadCode);
}

#[test]
fn a_superseded_code_that_works_is_found() {
    let mut evidence = with_exchanges(vec![exchange(3.0, Request::Resend, status(200, ""))]);
    evidence.mails.push(mail(4.0, 2, "2222"));
    assert_broken(&evidence, Rule::ActivationsHadCode);
}

#[test]
fn a_code_that_works_twice_is_found() {
    let mut evidence = clean();
    // Sent together: of two parallel activations one wins.
    let second = activate(3.0, "1111", status(200, ""));
    evidence.histories[0].exchanges.insert(2, second);
    assert_broken(&evidence, Rule::CodesWorkOnce);
}

#[test]
fn guesses_over_the_budget_are_found() {
    let guesses = |count: u32| -> Vec<Exchange> {
        let guess =
            |number| activate(3.0 + f64::from(number) / 10.0, "9999", status(400, "code-invalid"));
        (0..count).map(guess).collect()
    };
    // With the right one that makes five.
    assert_holds(&with_exchanges(guesses(4)));
    let mut evidence = with_exchanges(guesses(5));
    assert_broken(&evidence, Rule::GuessesStayInBudget);
    evidence.faults = vec![observed(Fault::RedisEmptied, 3.2, 3.3)];
    assert_holds(&evidence);
}

#[test]
fn a_right_code_that_is_refused_is_found() {
    let refusals = [(400, "code-invalid"), (410, "code-expired"), (429, "too-many-attempts")];
    for (code, problem) in refusals {
        let refused = activate(3.0, "1111", status(code, problem));
        assert_broken(&with_exchanges(vec![refused]), Rule::RightCodesWork);
    }
    let expired = activate(3.0, "1111", status(410, "code-expired"));
    let mut evidence = with_exchanges(vec![expired]);
    evidence.faults = vec![observed(Fault::RedisEmptied, 2.5, 2.6)];
    assert_holds(&evidence);
    // While it was on its way.
    evidence.faults = vec![observed(Fault::RedisEmptied, 3.05, 3.06)];
    assert_holds(&evidence);
    evidence.faults = vec![observed(Fault::RedisEmptied, 3.2, 3.3)];
    assert_broken(&evidence, Rule::RightCodesWork);
    assert_holds(&with_exchanges(vec![activate(3.0, "1111", status(408, ""))]));
    // The answer to an activation that went through was lost.
    let mut evidence = clean();
    evidence.histories[0].exchanges[1].answer = lost();
    let again = activate(4.0, "1111", status(409, "already-active"));
    evidence.histories[0].exchanges.insert(2, again);
    assert_holds(&evidence);
}
