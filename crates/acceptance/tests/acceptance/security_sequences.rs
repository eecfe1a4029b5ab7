//! What a client can learn in conceal mode that registers somebody's address with a password of its
//! own, reads no mail, and goes on asking: nothing (OWASP ASVS 6.3.8). Each sequence is played
//! against a free, a pending and an active address.

use std::time::Duration;

use reqwest::header::HeaderMap;

use acceptance::{Account, Journey, Reply, Setup, journeys};

use crate::security_sameness::comparable;

const SHORT_WINDOW: Duration = Duration::from_secs(2);
/// The window starts when the system learns that the inbox has the mail: on a stalled machine, this
/// much later.
const MAX_START_LAG: Duration = Duration::from_secs(6);

fn concealing() -> Setup {
    Setup::own().with("registration.existing_account", "conceal")
}

fn with_limits_that_show() -> Setup {
    let limited = ["register_per_client", "activate_per_client", "resend_per_client"];
    limited
        .iter()
        .fold(concealing(), |setup, limit| setup.with(&format!("limits.{limit}"), "1000/1d"))
}

journeys!(both {
    asvs_6_3_8_eight_guesses_tell_nothing_of_an_address: with_limits_that_show(), [
        "POST /api/v1/users/register 202", "POST /api/v1/users/activate 401"
    ];
    asvs_6_3_8_guesses_after_the_minute_tell_nothing_of_an_address:
        concealing().window_seconds(SHORT_WINDOW.as_secs()), [];
    asvs_6_3_8_a_resend_tells_nothing_of_an_address: concealing(), ["POST /api/v1/users/resend-code 202"];
    asvs_6_3_8_a_limit_on_further_codes_tells_nothing_of_an_address:
        concealing().with("limits.further_codes", "1/1h"), [];
    asvs_6_3_8_the_mails_left_for_a_mailbox_tell_nothing_of_an_address:
        concealing().with("limits.mails_per_mailbox", "2/1h"), [];
    asvs_6_3_8_the_owner_of_a_concealed_registration_gets_on: concealing(), [
        "POST /api/v1/users/activate 200", "POST /api/v1/users/activate 409"
    ];
});

/// What an address is before the sequence begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Free,
    Pending,
    Active,
}

/// A client that has registered somebody's address with a password of its own.
struct Attack<'a> {
    journey: &'a Journey,
    standing: Standing,
    credentials: Account,
}

impl<'a> Attack<'a> {
    async fn begin(journey: &'a Journey, standing: Standing) -> (Self, Reply) {
        let owner = Account::new();
        if standing != Standing::Free {
            journey.api.register(&owner).await.expect_status(202);
            let mail = journey.mailbox.first(&owner.email).await;
            if standing == Standing::Active {
                journey.api.activate(&owner, &mail.code()).await.expect_status(200);
            }
        }
        let credentials = owner.with_wrong_password();
        let reply = journey.api.register(&credentials).await;
        journey.mailbox.first(&credentials.email).await;
        (Self { journey, standing, credentials }, reply)
    }

    /// Waits for the mail that a resend causes, if the address was free.
    async fn resent(&self, mails: usize) {
        if self.standing == Standing::Free {
            self.journey.mailbox.expect(&self.credentials.email, mails).await;
        }
    }

    /// Sends a code that is in no mail.
    async fn guess(&self) -> Reply {
        let mails = self.journey.mailbox.mails(&self.credentials.email).await;
        let mut guesses = (0..).map(|number| format!("{number:04}"));
        let wrong =
            guesses.find(|guess| mails.iter().all(|mail| !mail.text.contains(guess.as_str())));
        self.journey.api.activate(&self.credentials, &wrong.unwrap()).await
    }

    async fn resend(&self) -> Reply {
        self.journey.api.resend(&self.credentials).await
    }
}

/// Plays a sequence against each kind of address and fails if they can be told apart. Returns the
/// statuses.
async fn assert_nothing_shows(
    journey: &Journey,
    sequence: impl AsyncFn(&Attack<'_>) -> Vec<Reply>,
) -> Vec<u16> {
    let mut transcripts = Vec::new();
    for standing in [Standing::Free, Standing::Pending, Standing::Active] {
        let (attack, registered) = Attack::begin(journey, standing).await;
        let mut replies = vec![registered];
        replies.extend(sequence(&attack).await);
        let email = &attack.credentials.email;
        let transcript = replies.iter().map(|reply| without_counts(comparable(reply, email)));
        transcripts.push((standing, transcript.collect::<Vec<_>>()));
    }
    let [(_, free), others @ ..] = &transcripts[..] else { unreachable!() };
    for (standing, transcript) in others {
        assert_eq!(transcript, free, "{standing:?} differs from Free");
    }
    free.iter().map(|(status, ..)| *status).collect()
}

/// Which limits an answer shows, without what the test's own client has left of them.
fn without_counts(
    (status, mut headers, body): (u16, HeaderMap, String),
) -> (u16, HeaderMap, String) {
    headers.remove("ratelimit");
    (status, headers, body)
}

async fn asvs_6_3_8_eight_guesses_tell_nothing_of_an_address(journey: &Journey) {
    let statuses = assert_nothing_shows(journey, async |attack| {
        let mut replies = Vec::new();
        for _ in 0..8 {
            replies.push(attack.guess().await);
        }
        replies
    })
    .await;
    assert_eq!(statuses, [202, 401, 401, 401, 401, 401, 401, 401, 401]);
    let unknown = journey.api.activate(&Account::new(), "0000").await;
    unknown.expect_problem(401, "invalid-credentials");
    assert_eq!(unknown.text("detail"), "address, password or code not accepted");
}

async fn asvs_6_3_8_guesses_after_the_minute_tell_nothing_of_an_address(journey: &Journey) {
    let statuses = assert_nothing_shows(journey, async |attack| {
        tokio::time::sleep(SHORT_WINDOW + MAX_START_LAG).await;
        let mut replies = vec![attack.guess().await, attack.resend().await];
        attack.resent(2).await;
        replies.push(attack.guess().await);
        // Claimed again, where nobody else's account is in the way.
        replies.push(journey.api.register(&attack.credentials).await);
        replies.push(attack.guess().await);
        replies
    })
    .await;
    assert_eq!(statuses, [202, 401, 202, 401, 202, 401]);
}

async fn asvs_6_3_8_a_resend_tells_nothing_of_an_address(journey: &Journey) {
    let statuses = assert_nothing_shows(journey, async |attack| {
        let mut replies = vec![attack.guess().await, attack.resend().await];
        attack.resent(2).await;
        replies.push(attack.guess().await);
        replies
    })
    .await;
    assert_eq!(statuses, [202, 401, 202, 401]);
}

async fn asvs_6_3_8_a_limit_on_further_codes_tells_nothing_of_an_address(journey: &Journey) {
    let statuses = assert_nothing_shows(journey, async |attack| {
        let mut replies = Vec::new();
        for _ in 0..3 {
            replies.push(attack.resend().await);
            replies.push(attack.guess().await);
        }
        replies
    })
    .await;
    assert_eq!(statuses, [202, 202, 401, 202, 401, 202, 401]);
}

async fn asvs_6_3_8_the_mails_left_for_a_mailbox_tell_nothing_of_an_address(journey: &Journey) {
    let statuses = assert_nothing_shows(journey, async |attack| {
        let mut replies = Vec::new();
        for _ in 0..3 {
            replies.push(attack.resend().await);
            replies.push(attack.guess().await);
            replies.push(journey.api.register(&attack.credentials).await);
        }
        replies
    })
    .await;
    assert_eq!(statuses, [202, 202, 401, 202, 202, 401, 202, 202, 401, 202]);
}

async fn asvs_6_3_8_the_owner_of_a_concealed_registration_gets_on(journey: &Journey) {
    let account = Account::new();
    journey.api.register(&account).await.expect_status(202);
    journey.mailbox.first(&account.email).await;
    journey.api.activate(&account.with_wrong_password(), "0000").await.expect_status(401);
    let resent = journey.api.resend(&account).await;
    resent.expect_status(202);
    assert_eq!(resent.text("email"), account.email);
    let code = journey.mailbox.expect(&account.email, 2).await[1].code();
    journey.api.activate(&account, &code).await.expect_status(200);
    journey.api.activate(&account, &code).await.expect_problem(409, "already-active");
    assert_eq!(journey.api.resend(&account).await.body, resent.body);
}

/// What only a deployment with Redis can lose.
pub(crate) mod without_redis {
    use super::*;

    journeys!(distributed {
        asvs_6_3_8_an_outage_of_redis_tells_nothing_of_an_address: concealing().expecting_errors(), [];
    });

    async fn asvs_6_3_8_an_outage_of_redis_tells_nothing_of_an_address(journey: &Journey) {
        let redis = &journey.system.servers().redis;
        let mut answers = Vec::new();
        for standing in [Standing::Free, Standing::Pending, Standing::Active] {
            let (attack, _) = Attack::begin(journey, standing).await;
            redis.cut().await;
            let replies = [attack.guess().await, attack.resend().await];
            redis.restore().await;
            let email = attack.credentials.email.clone();
            answers.push(replies.map(|reply| comparable(&reply, &email)));
            // The code store is back before the next address is prepared.
            test_support::eventually("Redis answering again", async || {
                (attack.guess().await.status == 401).then_some(())
            })
            .await;
        }
        assert_eq!(answers[0].each_ref().map(|(status, ..)| *status), [503, 202]);
        assert!(answers.iter().all(|others| *others == answers[0]), "{answers:#?}");
    }
}
