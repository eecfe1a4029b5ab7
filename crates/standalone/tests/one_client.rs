//! One client that owns an IPv6 /48 and never rests: for a day of simulated time it claims made-up
//! addresses from made-up networks, as often as the default limits let it. The stores in memory
//! must have room left (OWASP ASVS 2.4.1).
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use adapters::in_process::{InProcessBudget, InProcessCodeStore, InProcessRateLimiter};
use adapters::system_ids::SystemIds;
use domain::ports::{
    Allowance, Budget, BudgetKey, BudgetKind, CodeStore, IdSource, MailState, NewWindow, Opening,
    Spending,
};
use domain::{CodeIssue, EmailAddress, UserId};
use registration_api::limits::{Action, Counters, Limits, RequestLimits};
use registration_api::settings::SignupPageDefault;
use settings::Sources;

const DAY: Duration = Duration::from_hours(24);
const STEP: Duration = Duration::from_mins(15);

#[tokio::test(start_paused = true)]
async fn asvs_2_4_1_one_client_does_not_fill_the_stores_in_memory() {
    let key = "7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12";
    let settings = Sources::default().with("code.key", &key).load().unwrap();
    let quotas =
        registration_api::settings::options(&settings, SignupPageDefault::On).unwrap().quotas;
    let budget = Arc::new(InProcessBudget::new());
    let counters =
        Counters { limiter: Arc::new(InProcessRateLimiter::new()), budget: budget.clone() };
    let limits = Arc::new(Limits::new(quotas, counters, None));
    let codes = InProcessCodeStore::new();
    let derivation = "5f3a9c01/4".parse().unwrap();
    let a_guess = [Allowance { amount: 20, period: DAY }];

    // Somebody else's guesses, all of them spent.
    let ada = BudgetKey { kind: BudgetKind::Guesses, subject: "ada@example.com".into() };
    for _ in 0..20 {
        budget.spend(&ada, &a_guess).await.unwrap();
    }
    let (mut claims, mut networks) = (0_u32, 0_u32);
    for _ in 0..24 * 60 / 15 {
        assert!(matches!(budget.spend(&ada, &a_guess).await.unwrap(), Spending::Refused { .. }));
        let mut refused_in_a_row = 0;
        while refused_in_a_row < 300 {
            networks = networks.wrapping_add(1);
            let client = RequestLimits::new(limits.clone(), address_in_the_site(networks));
            if client.check_client(Action::Register).await.is_err() {
                refused_in_a_row += 1;
                continue;
            }
            refused_in_a_row = 0;
            claims += 1;
            let address = EmailAddress::parse(&format!("made-up-{claims}@example.com")).unwrap();
            let _spent = client.spend_mail(&address).await.unwrap();
            let issue = CodeIssue { user_id: UserId::from_uuid(SystemIds.next_id()), number: 1 };
            let window = NewWindow { length: Duration::from_mins(1), attempts: 5, derivation };
            let opening = codes.open(issue, window, MailState::Unsent).await.unwrap();
            assert_eq!(opening, Opening::Opened { derivation });
            let guesses = BudgetKey { kind: BudgetKind::Guesses, subject: address.lookup_key() };
            assert_eq!(
                budget.spend(&guesses, &a_guess).await.unwrap(),
                Spending::Allowed,
                "{claims} claims"
            );
        }
        tokio::time::advance(STEP).await;
    }
    println!("{claims} claims in a day");
    assert!(claims > 30_000, "the client uses up its limits: {claims}");
    assert!(claims <= 16 * 100 * 25, "{claims} claims of one client in a day");
    // Others can still be counted.
    for number in 0..50_000 {
        let key =
            BudgetKey { kind: BudgetKind::Guesses, subject: format!("other-{number}@example.com") };
        assert_eq!(budget.spend(&key, &a_guess).await.unwrap(), Spending::Allowed);
    }
}

/// Every /64 of the /48 in turn, those of different /56 one after the other.
fn address_in_the_site(number: u32) -> IpAddr {
    let network = u16::try_from(number % 0x1_0000).unwrap().rotate_left(8);
    Ipv6Addr::new(0x2001, 0xdb8, 7, network, 0, 0, 0, 1).into()
}
