//! Brokers that go away, do not answer, or are not who they say they are.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::rabbitmq::{RabbitmqOptions, RabbitmqPublisher};
use domain::ports::{EventPublisher, PublishError};
use secrecy::ExposeSecret;
use test_support::{
    Identity, Proxy, eventually, eventually_within, free_port, install_crypto_provider, run_client,
    soon_within,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::handler::{DELIVERY_TIMEOUT, Reply, ScriptedHandler, assert_no_more, next, registered};
use crate::rabbitmq::{Consuming, Rabbit, amqp_url, connect, options};

/// `host:port` of the broker.
pub(crate) fn upstream() -> String {
    let url = amqp_url();
    let authority = url.split("://").nth(1).unwrap().split('/').next().unwrap();
    authority.rsplit('@').next().unwrap().to_owned()
}

/// The same exchange, reached through another address.
pub(crate) fn through(rabbit: &Rabbit, scheme: &str, host: &str, port: u16) -> RabbitmqOptions {
    let url = amqp_url().replace(&upstream(), &format!("{host}:{port}")).replace("amqp:", scheme);
    RabbitmqOptions { url: url.into(), ..rabbit.options.clone() }
}

async fn publish_until_taken(publisher: &RabbitmqPublisher, event: &domain::Event) {
    eventually_within(DELIVERY_TIMEOUT, "the publisher to recover", async || {
        publisher.publish(std::slice::from_ref(event)).await.pop().unwrap().ok()
    })
    .await;
}

/// Each node is a proxy in front of the one broker; one is away, and one accepts connections and
/// says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_cluster_any_node_that_answers_is_used() {
    let rabbit = Rabbit::new().await;
    let nodes = [Proxy::start(upstream()).await, Proxy::start(upstream()).await];
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports =
        [free_port(), nodes[0].port(), silent.local_addr().unwrap().port(), nodes[1].port()];
    let hosts = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
    let url = amqp_url().replace(&upstream(), &hosts);
    let (event, connect_timeout) = (registered(), Duration::from_secs(2));
    let options = RabbitmqOptions { url: url.into(), connect_timeout, ..rabbit.options.clone() };
    let publisher = connect(&options);
    publish_until_taken(&publisher, &event).await;
    for away in &nodes {
        away.cut().await;
        publish_until_taken(&publisher, &event).await;
        away.restore().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_dealt_with_is_only_acknowledged_when_it_comes_again() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let gate = Arc::new(Semaphore::new(0));
    let (handler, mut calls) = ScriptedHandler::gated(gate.clone());
    // One at a time, so that nothing overtakes what comes again.
    let options = through(&rabbit, "amqp:", "127.0.0.1", proxy.port());
    let _consuming = Consuming::start(&RabbitmqOptions { prefetch: 1, ..options }, handler);
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    proxy.cut().await;
    rabbit.await_waiting("email", 1).await;
    // Only now is it done, and nobody there to be told so.
    gate.add_permits(2);
    proxy.restore().await;
    let later = registered();
    publisher.publish(std::slice::from_ref(&later)).await.pop().unwrap().unwrap();
    assert_eq!(next(&mut calls).await.event, later);
    rabbit.await_waiting("email", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_reconnects_while_an_event_is_in_hand_and_does_not_handle_it_twice() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let gate = Arc::new(Semaphore::new(0));
    let (handler, mut calls) = ScriptedHandler::gated(gate.clone());
    let options = through(&rabbit, "amqp:", "127.0.0.1", proxy.port());
    let mut consuming = Consuming::start(&options, handler.clone());
    let consumer = consuming.consumer.clone();
    let (publisher, slow) = (rabbit.publisher(), registered());
    publisher.publish(std::slice::from_ref(&slow)).await.pop().unwrap().unwrap();
    assert_eq!(next(&mut calls).await.event, slow);
    consumer.ping().unwrap();

    for round in 1..=3 {
        proxy.cut().await;
        eventually("the consumer to say that it is away", async || consumer.ping().err()).await;
        proxy.restore().await;
        eventually("the consumer to be back", async || consumer.ping().ok()).await;
        let other = registered();
        publisher.publish(std::slice::from_ref(&other)).await.pop().unwrap().unwrap();
        assert_eq!(next(&mut calls).await.event, other, "in round {round}");
    }
    // The one that is slow and three others are in hand, as many as there may be; all are delivered
    // again.
    assert_eq!(handler.most_busy(), usize::from(options.prefetch));
    gate.add_permits(5);
    assert_no_more(&publisher, &mut calls).await;
    consuming.shut_down();
    soon_within(DELIVERY_TIMEOUT, "the consumer to end", &mut consuming.task).await.unwrap();
    rabbit.await_waiting("email", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_fails_while_the_broker_is_away_is_tried_again() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let gate = Arc::new(Semaphore::new(0));
    let script = |n| if n == 0 { Reply::Transient } else { Reply::Done };
    let (handler, mut calls) = ScriptedHandler::gated_script(gate.clone(), script);
    let options = through(&rabbit, "amqp:", "127.0.0.1", proxy.port());
    let consuming = Consuming::start(&options, handler);
    let (publisher, event) = (rabbit.publisher(), registered());
    publisher.publish(std::slice::from_ref(&event)).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    proxy.cut().await;
    eventually("the consumer to say that it is away", async || consuming.consumer.ping().err())
        .await;
    gate.add_permits(3);
    proxy.restore().await;
    assert_eq!(next(&mut calls).await.event, event);
    assert_no_more(&publisher, &mut calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_recovers_and_answers_at_once_meanwhile() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let mut options = through(&rabbit, "amqp:", "127.0.0.1", proxy.port());
    // Whatever is waited for would take longer than the test allows.
    (options.connect_timeout, options.confirm_timeout) =
        (Duration::from_mins(1), Duration::from_mins(1));
    let publisher = connect(&options);
    publish_until_taken(&publisher, &registered()).await;

    proxy.cut().await;
    eventually("the publisher to notice", async || publisher.ping().await.err()).await;
    let asked = Instant::now();
    let answers = publisher.publish(&[registered(), registered()]).await;
    assert!(asked.elapsed() < DELIVERY_TIMEOUT, "{:?}", asked.elapsed());
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| matches!(answer, Err(PublishError::Unavailable(_)))));

    proxy.restore().await;
    publish_until_taken(&publisher, &registered()).await;
    publisher.ping().await.unwrap();
    assert_eq!(rabbit.waiting("email").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_connections_break_again_and_again() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let options = through(&rabbit, "amqp:", "127.0.0.1", proxy.port());
    let (handler, mut calls) =
        ScriptedHandler::new(|n| if n % 5 == 0 { Reply::Transient } else { Reply::Done });
    let _consuming = Consuming::start(&options, handler);
    let publisher = connect(&options);

    let events: Vec<_> = (0..150).map(|_| registered()).collect();
    let breaking = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            proxy.cut().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            proxy.restore().await;
        }
    };
    let publishing = async {
        for event in &events {
            publish_until_taken(&publisher, event).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(breaking, publishing);
    let mut missing: HashSet<_> = events.iter().map(|event| event.id).collect();
    while !missing.is_empty() {
        missing.remove(&next(&mut calls).await.event.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_13_1_3_a_broker_that_does_not_answer_is_given_up_and_nothing_stays_behind() {
    let rabbit = Rabbit::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = through(&rabbit, "amqp:", "127.0.0.1", silent.local_addr().unwrap().port());
    options.connect_timeout = Duration::from_millis(200);
    options.reconnect_min = Duration::from_mins(1);
    options.reconnect_max = Duration::from_mins(1);
    let publisher = connect(&options);
    let closed = async {
        let (mut socket, _) = silent.accept().await.unwrap();
        let mut received = Vec::new();
        socket.read_to_end(&mut received).await.unwrap();
    };
    let (event, both) = ([registered()], async { tokio::join!(publisher.ping(), closed) });
    let (ping, ()) = soon_within(DELIVERY_TIMEOUT, "the socket to be closed", both).await;
    assert!(matches!(ping, Err(PublishError::Unavailable(_))));
    assert!(publisher.publish(&event).await[0].is_err());
}

const CLIENT_URL: &str = "RABBITMQ_TLS_CLIENT_URL";
const CLIENT_EXCHANGE: &str = "RABBITMQ_TLS_CLIENT_EXCHANGE";

/// Whether a client that trusts the authorities in `roots` can publish an event with these options.
async fn client_succeeds(options: &RabbitmqOptions, roots: &Path) -> bool {
    let variables =
        [(CLIENT_URL, options.url.expose_secret()), (CLIENT_EXCHANGE, &options.exchange)];
    run_client("rabbitmq_connection::client", roots, variables).await.status.success()
}

/// The client: does nothing when it is not started by the test below.
#[tokio::test(flavor = "multi_thread")]
async fn client() {
    let Ok(url) = std::env::var(CLIENT_URL) else { return };
    install_crypto_provider();
    let options = options(&url, &std::env::var(CLIENT_EXCHANGE).unwrap());
    connect(&options).publish(&[registered()]).await.pop().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_12_3_2_tls_only_with_a_certificate_that_is_trusted_and_fits() {
    let rabbit = Rabbit::new().await;
    let identity = Identity::self_signed("localhost");
    let proxy = Proxy::start_tls(upstream(), identity.acceptor()).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, identity: &Identity| {
        let path = folder.path().join(name);
        std::fs::write(&path, identity.certificate_pem()).unwrap();
        path
    };
    let trusted = write("trusted.pem", &identity);
    let other = write("other.pem", &Identity::self_signed("localhost"));
    let attempt = async |host: &str, roots: &Path| {
        client_succeeds(&through(&rabbit, "amqps:", host, proxy.port()), roots).await
    };
    assert!(attempt("localhost", &trusted).await);
    assert!(!attempt("localhost", &other).await, "an unknown authority");
    assert!(!attempt("127.0.0.1", &trusted).await, "another host's certificate");
    assert_eq!(rabbit.waiting("email").await, 1);
}
