//! `kill -9` at the worst moments: nothing that was accepted is lost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{join, join_all};

use acceptance::{Account, Deployment, Journey, Setup, Verdict, journeys};
use test_support::eventually;

journeys!(both {
    killed_after_the_answer_the_mail_still_comes: Setup::own().short_lease().expecting_errors(), [];
    killed_amid_the_mail_the_mail_still_comes: Setup::own(), [];
    of_300_registrations_under_fire_none_is_lost: Setup::own().short_lease().expecting_errors(), [];
    stopped_under_load_it_soon_refuses_nobody_again: Setup::own().short_lease().expecting_errors(), [];
    asked_to_stop_it_ends_in_order: Setup::own(), [];
});

async fn killed_after_the_answer_the_mail_still_comes(journey: &Journey) {
    let system = &journey.system;
    // The next stop on the mail's way is down, so the mail cannot have left yet.
    match system.deployment {
        Deployment::Distributed => system.servers().rabbitmq.cut().await,
        Deployment::Standalone => system.smtp.cut().await,
    }
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    system.api().kill();
    match system.deployment {
        Deployment::Distributed => system.servers().rabbitmq.restore().await,
        Deployment::Standalone => system.smtp.restore().await,
    }
    system.api().start().await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
}

async fn killed_amid_the_mail_the_mail_still_comes(journey: &Journey) {
    journey.system.smtp.script(&[Verdict::Hang]);
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    journey.system.smtp.wait_for_attempts(1).await;
    journey.system.worker().restart().await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
}

async fn of_300_registrations_under_fire_none_is_lost(journey: &Journey) {
    const REGISTRATIONS: usize = 300;
    let fire = Fire::default();
    let clients = join_all((0..8).map(|_| register_until(journey, &fire, REGISTRATIONS)));
    let (_, ()) = join(clients, kill_again_and_again(journey, &fire)).await;
    let accepted = fire.accepted.into_inner().unwrap();
    let kills = fire.kills.into_inner().unwrap();
    assert!(
        accepted.len() >= REGISTRATIONS && kills.len() == KILLS,
        "{} {kills:?}",
        accepted.len()
    );
    // The clients were at it at every kill: between two of them, and after the last, some were
    // accepted.
    let counts: Vec<usize> = kills.into_iter().chain([accepted.len()]).collect();
    assert!(counts.is_sorted_by(|earlier, later| earlier < later), "{counts:?}");
    for account in &accepted {
        eventually("the mail of everyone who was accepted", async || {
            (!journey.system.smtp.deliveries(&account.email).is_empty()).then_some(())
        })
        .await;
    }
}

const KILLS: usize = 10;
/// Registrations from one kill to the next, and after the last.
const REGISTRATIONS_PER_KILL: usize = 25;

/// What the clients and the killer know about each other.
#[derive(Default)]
struct Fire {
    accepted: Mutex<Vec<Account>>,
    /// How many were accepted at each kill.
    kills: Mutex<Vec<usize>>,
}

impl Fire {
    fn accepted(&self) -> usize {
        self.accepted.lock().unwrap().len()
    }

    /// Whether all kills are done, and clients were accepted since.
    fn is_over(&self) -> bool {
        let kills = self.kills.lock().unwrap();
        kills.len() == KILLS
            && kills.last().is_some_and(|last| self.accepted() >= last + REGISTRATIONS_PER_KILL)
    }
}

/// API and worker in turn; standalone, that is the same process.
async fn kill_again_and_again(journey: &Journey, fire: &Fire) {
    for number in 0..KILLS {
        let next = fire.accepted() + REGISTRATIONS_PER_KILL;
        eventually("registrations under fire", async || (fire.accepted() >= next).then_some(()))
            .await;
        let victim =
            if number.is_multiple_of(2) { journey.system.worker() } else { journey.system.api() };
        fire.kills.lock().unwrap().push(fire.accepted());
        victim.restart().await;
    }
}

/// Registers one account after the other until all clients together have `enough`, and the fire is
/// over.
async fn register_until(journey: &Journey, fire: &Fire, enough: usize) {
    while fire.accepted() < enough || !fire.is_over() {
        let account = Account::new();
        match journey.api.try_register(&account).await {
            Ok(reply) if reply.status == 201 => fire.accepted.lock().unwrap().push(account),
            Ok(reply) => assert_eq!(reply.status, 503, "{reply:?}"),
            // Nobody was there, or it was killed before it answered: nothing was promised.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn stopped_under_load_it_soon_refuses_nobody_again(journey: &Journey) {
    /// Longer than anybody waits for a hash.
    const STOP: Duration = Duration::from_secs(5);
    let accepted = Mutex::new(Vec::new());
    let count = || accepted.lock().unwrap().len();
    let is_over = AtomicBool::new(false);
    let clients = join_all((0..8).map(|_| async {
        while !is_over.load(Ordering::Relaxed) {
            let account = Account::new();
            match journey.api.try_register(&account).await {
                Ok(reply) if reply.status == 201 => accepted.lock().unwrap().push(account),
                Ok(reply) => assert_eq!(reply.status, 503, "{reply:?}"),
                // It took too long for this client: nothing was promised.
                Err(_) => {}
            }
        }
    }));
    let stop = async {
        eventually("registrations", async || (count() >= 20).then_some(())).await;
        journey.system.api().signal("STOP");
        tokio::time::sleep(STOP).await;
        journey.system.api().signal("CONT");
        eventually("room for everybody", async || {
            let crowd = (0..16).map(|_| async {
                let reply = journey.api.try_register(&Account::new()).await;
                reply.is_ok_and(|reply| reply.status == 201)
            });
            join_all(crowd).await.into_iter().all(|is_accepted| is_accepted).then_some(())
        })
        .await;
        is_over.store(true, Ordering::Relaxed);
    };
    join(clients, stop).await;
    for account in accepted.into_inner().unwrap() {
        journey.mailbox.first(&account.email).await;
    }
}

async fn asked_to_stop_it_ends_in_order(journey: &Journey) {
    let (account, _) = journey.registered().await;
    assert!(journey.system.api().terminate().await.success());
    if journey.system.deployment == Deployment::Distributed {
        assert!(journey.system.worker().terminate().await.success());
        journey.system.worker().start().await;
    }
    journey.system.api().start().await;
    journey.api.resend(&account).await.expect_status(200);
    let mails = journey.mailbox.expect(&account.email, 2).await;
    journey.api.activate(&account, &mails[1].code()).await.expect_status(200);
}
