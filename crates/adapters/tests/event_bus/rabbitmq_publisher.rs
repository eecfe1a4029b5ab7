//! Publishing: what the broker did not take for sure is not published.

use domain::ports::{EventPublisher, PublishError};
use lapin::options::{
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use test_support::eventually;

use crate::handler::{activated, code_requested, registered};
use crate::rabbitmq::Rabbit;

fn assert_unavailable(answer: &Result<(), PublishError>) {
    assert!(matches!(answer, Err(PublishError::Unavailable(_))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_waits_for_a_worker_that_was_never_started() {
    let rabbit = Rabbit::new().await;
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    assert_eq!(rabbit.waiting("email").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_queue_takes_is_not_published() {
    let rabbit = Rabbit::new().await;
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    let queue = rabbit.queue("email");
    rabbit.channel().await.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();

    let answers = publisher.publish(&[registered(), activated()]).await;
    assert_unavailable(&answers[0]);
    assert!(answers[1].is_ok(), "nobody has to read of an activation");

    publisher.publish(&[registered()]).await.pop().unwrap().expect("the queue is there again");
    assert_eq!(rabbit.waiting("email").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_in_flight_exactly_those_returned_are_not_published() {
    let rabbit = Rabbit::new().await;
    let publisher = rabbit.publisher();
    publisher.publish(&[activated()]).await.pop().unwrap().unwrap();
    for _ in 0..5 {
        let (queue, exchange) =
            (rabbit.queue("email").into(), rabbit.options.exchange.as_str().into());
        let key = "user.code_requested".into();
        rabbit
            .channel()
            .await
            .queue_unbind(queue, exchange, key, FieldTable::default())
            .await
            .unwrap();
        let events: Vec<_> =
            (0..200).map(|n| if n % 7 == 3 { code_requested() } else { registered() }).collect();
        let answers = publisher.publish(&events).await;
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(answer.is_err(), n % 7 == 3, "event {n}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_exchange_comes_back() {
    let rabbit = Rabbit::new().await;
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    let exchange = rabbit.options.exchange.as_str().into();
    rabbit
        .channel()
        .await
        .exchange_delete(exchange, ExchangeDeleteOptions::default())
        .await
        .unwrap();
    assert_unavailable(&publisher.publish(&[registered()]).await[0]);
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    assert_eq!(rabbit.waiting("email").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_do_not_disturb_each_other() {
    let rabbit = Rabbit::new().await;
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    let batches = (0..20).map(|_| async {
        let events: Vec<_> = (0..20).map(|_| registered()).collect();
        publisher.publish(&events).await
    });
    for answers in futures::future::join_all(batches).await {
        for answer in answers {
            answer.unwrap();
        }
    }
    rabbit.await_waiting("email", 401).await;
}

/// A queue of another kind could lose what it has confirmed when its node dies. RabbitMQ tells the
/// kind of a queue to whoever declares it otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn events_lie_in_quorum_queues() {
    let rabbit = Rabbit::new().await;
    rabbit.publisher().publish(&[activated()]).await.pop().unwrap().unwrap();
    // A retry queue could not be made with its `x-dead-letter-strategy` if it were of another kind.
    for suffix in ["email", "email.dead"] {
        let (queue, channel) = (rabbit.queue(suffix).into(), rabbit.channel().await);
        let declared =
            channel.queue_declare(queue, QueueDeclareOptions::durable(), FieldTable::default());
        let refusal = declared.await.unwrap_err().to_string();
        assert!(
            refusal.contains("x-queue-type") && refusal.contains("quorum"),
            "{suffix}: {refusal}"
        );
    }
}

/// The outcome of publishing is the health, and not that there is a connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_refuses_messages_is_down_until_it_takes_one() {
    let mut rabbit = Rabbit::new().await;
    (rabbit.options.reconnect_min, rabbit.options.reconnect_max) = (SHORT_DELAY, SHORT_DELAY);
    let publisher = rabbit.publisher();
    publisher.ping().await.unwrap();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    publisher.ping().await.unwrap();
    let full = fill_up(&rabbit).await;

    assert_unavailable(&publisher.publish(&[registered()]).await[0]);
    for _ in 0..3 {
        let refused = publisher.ping().await.unwrap_err();
        assert!(
            domain::ErrorChain(&refused).to_string().contains("refused the message"),
            "{refused:?}"
        );
    }
    publisher.probe().await.expect_err("it has just failed");
    eventually("another attempt to be worth while", async || publisher.probe().await.ok()).await;
    publisher.ping().await.expect_err("nothing was taken since");
    assert_unavailable(&publisher.publish(&[registered()]).await[0]);

    rabbit.channel().await.queue_delete(full.into(), QueueDeleteOptions::default()).await.unwrap();
    // Nothing is published any more.
    eventually("the broker to be up again", async || publisher.ping().await.ok()).await;
}

const SHORT_DELAY: std::time::Duration = std::time::Duration::from_millis(300);

/// Binds a queue that has no room and refuses: then the broker refuses every registration.
async fn fill_up(rabbit: &Rabbit) -> String {
    let (channel, full) = (rabbit.channel().await, rabbit.queue("full"));
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(0));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
    channel.queue_declare(full.as_str().into(), options, arguments).await.unwrap();
    let (queue, exchange) = (full.as_str().into(), rabbit.options.exchange.as_str().into());
    let (key, options) = ("user.registered".into(), QueueBindOptions::default());
    channel.queue_bind(queue, exchange, key, options, FieldTable::default()).await.unwrap();
    full
}

/// As after a change of arguments by hand: every declaration fails with 406 and costs its channel.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_arguments_is_the_cause_and_is_not_asked_about_all_the_time() {
    let mut rabbit = Rabbit::new().await;
    (rabbit.options.reconnect_min, rabbit.options.reconnect_max) = (SHORT_DELAY, SHORT_DELAY);
    let (queue, channel) = (rabbit.queue("email"), rabbit.channel().await);
    let declared = QueueDeclareOptions::durable();
    channel.queue_declare(queue.as_str().into(), declared, FieldTable::default()).await.unwrap();

    let publisher = rabbit.publisher();
    for _ in 0..3 {
        let refused = publisher.ping().await.unwrap_err();
        assert!(
            domain::ErrorChain(&refused).to_string().contains("PRECONDITION_FAILED"),
            "{refused:?}"
        );
    }
    assert_unavailable(&publisher.publish(&[registered()]).await[0]);
    publisher.probe().await.expect_err("it has just failed");

    channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    eventually("another attempt to be worth while", async || publisher.probe().await.ok()).await;
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    publisher.ping().await.unwrap();
}

/// As in an API without registrations, whose health is asked for every few seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_with_nothing_to_publish_sees_the_end_of_an_outage() {
    let mut rabbit = Rabbit::new().await;
    (rabbit.options.reconnect_min, rabbit.options.reconnect_max) = (SHORT_DELAY, SHORT_DELAY);
    let (queue, channel) = (rabbit.queue("email"), rabbit.channel().await);
    let declared = QueueDeclareOptions::durable();
    channel.queue_declare(queue.as_str().into(), declared, FieldTable::default()).await.unwrap();
    let (idle, unlucky) = (rabbit.publisher(), rabbit.publisher());
    idle.ping().await.expect_err("the queue has other arguments");
    let event = registered();
    assert_unavailable(&unlucky.publish(std::slice::from_ref(&event)).await[0]);

    channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    eventually("the end of the outage", async || idle.ping().await.ok()).await;
    assert_eq!(rabbit.waiting("email").await, 0, "what only tries the broker reaches no worker");
    eventually("the end of the outage", async || unlucky.ping().await.ok()).await;
    assert_eq!(rabbit.waiting("email").await, 1, "the event that was not taken is tried again");
}
