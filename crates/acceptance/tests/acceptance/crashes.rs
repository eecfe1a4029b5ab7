//! `kill -9` at the worst moments: nothing that was accepted is lost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;

use crate::harness::{Account, Deployment, Journey, Setup, Verdict, eventually, journeys};

journeys!(both {
    killed_after_the_answer_the_mail_still_comes: Setup::own().short_lease().expecting_errors(), [];
    killed_amid_the_mail_the_mail_still_comes: Setup::own(), [];
    of_300_registrations_under_fire_none_is_lost: Setup::own().short_lease().expecting_errors(), [];
    asked_to_stop_it_ends_in_order: Setup::own(), [];
});

async fn killed_after_the_answer_the_mail_still_comes(journey: &Journey) {
    let system = &journey.system;
    // Whatever comes next on the way of the mail is away, so that the mail cannot have left already.
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
    journey.system.smtp.attempts(1).await;
    journey.system.worker().restart().await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
}

async fn of_300_registrations_under_fire_none_is_lost(journey: &Journey) {
    const REGISTRATIONS: usize = 300;
    const A_KILL_EVERY: usize = 30;
    let accepted = Mutex::new(Vec::new());
    let clients_done = AtomicBool::new(false);
    let clients = async {
        join_all((0..8).map(|_| register_until(journey, &accepted, REGISTRATIONS))).await;
        clients_done.store(true, Ordering::Relaxed);
    };
    let killer = async {
        let mut next = A_KILL_EVERY;
        while !clients_done.load(Ordering::Relaxed) {
            if accepted.lock().unwrap().len() < next {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            // API and worker in turn; standalone, that is the same process.
            let victim = if next.is_multiple_of(2 * A_KILL_EVERY) {
                journey.system.api()
            } else {
                journey.system.worker()
            };
            victim.restart().await;
            next += A_KILL_EVERY;
        }
    };
    tokio::join!(clients, killer);
    let accepted = accepted.into_inner().unwrap();
    assert!(accepted.len() >= REGISTRATIONS);
    for account in &accepted {
        eventually("the mail of everyone who was accepted", async || {
            (!journey.system.smtp.deliveries(&account.email).is_empty()).then_some(())
        })
        .await;
    }
}

/// Registers one account after the other until all clients together have `enough`.
async fn register_until(journey: &Journey, accepted: &Mutex<Vec<Account>>, enough: usize) {
    while accepted.lock().unwrap().len() < enough {
        let account = Account::new();
        match journey.api.try_register(&account).await {
            Ok(reply) if reply.status == 201 => accepted.lock().unwrap().push(account),
            Ok(reply) => assert_eq!(reply.status, 503, "{reply:?}"),
            // Nobody was there, or it was killed before it answered: nothing was promised.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
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
