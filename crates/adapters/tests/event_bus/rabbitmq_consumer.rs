//! Consuming: what was not dealt with comes again.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::EventPublisher;
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeleteOptions};
use test_support::{eventually, soon_within};
use tokio::sync::Semaphore;

use crate::dead_letters::listed;
use crate::handler::{
    DELIVERY_TIMEOUT, Reply, ScriptedHandler, activated, assert_no_more, next, registered,
};
use crate::rabbitmq::Rabbit;

#[tokio::test(flavor = "multi_thread")]
async fn the_delays_grow_with_each_failure() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) =
        ScriptedHandler::new(|n| if n < 4 { Reply::Transient } else { Reply::Done });
    let _consuming = rabbit.consume(handler);
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    let mut last = next(&mut calls).await.at;
    for expected in [50, 200, 500, 500] {
        let at = next(&mut calls).await.at;
        let waited = at - last;
        assert!(waited >= Duration::from_millis(expected), "{waited:?} instead of {expected} ms");
        last = at;
    }
    assert_no_more(&rabbit.publisher(), &mut calls).await;
    for suffix in ["email.retry.50", "email.retry.200", "email.retry.500", "email"] {
        assert_eq!(rabbit.waiting(suffix).await, 0, "{suffix}");
    }
}

/// With one delay of an hour, an event that is there after so many failures was not delayed by it
/// before.
#[tokio::test(flavor = "multi_thread")]
async fn each_failure_has_the_delay_of_its_number() {
    for failures in 1..=3 {
        let mut rabbit = Rabbit::new().await;
        rabbit.options.retry_delays = [20, 40].map(Duration::from_millis)[..failures - 1].to_vec();
        rabbit.options.retry_delays.push(Duration::from_hours(1));
        let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Transient);
        let _consuming = rabbit.consume(handler);
        rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
        for _ in 0..failures {
            next(&mut calls).await;
        }
        rabbit.await_waiting("email.retry.3600000", 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_the_hand_of_a_worker_that_dies_comes_again() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) = ScriptedHandler::gated(Arc::new(Semaphore::new(0)));
    let consuming = rabbit.consume(handler);
    let events = [registered(), registered()];
    let answers = rabbit.publisher().publish(&events).await;
    for answer in answers {
        answer.unwrap();
    }
    next(&mut calls).await;
    next(&mut calls).await;
    drop(consuming);

    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let _consuming = rabbit.consume(handler);
    let mut again = [next(&mut calls).await.event.id, next(&mut calls).await.event.id];
    again.sort();
    assert_eq!(again, [events[0].id, events[1].id]);
    assert_no_more(&rabbit.publisher(), &mut calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_finishes_what_is_in_hand_and_takes_no_more() {
    let rabbit = Rabbit::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let (handler, mut calls) = ScriptedHandler::gated(gate.clone());
    let mut consuming = rabbit.consume(handler);
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;

    consuming.shut_down();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!consuming.task.is_finished(), "an event is in hand");
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    gate.add_permits(1);
    soon_within(DELIVERY_TIMEOUT, "the consumer to end", &mut consuming.task).await.unwrap();
    // The first is done, the second was not taken.
    rabbit.await_waiting("email", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_survives_the_loss_of_its_queue() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let _consuming = rabbit.consume(handler);
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    let queue = rabbit.queue("email").into();
    rabbit.channel().await.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
    // Not at once: RabbitMQ 3.10 does not tell the consumer when a publisher declares the queue
    // again before it has finished deleting it.
    rabbit.await_declared("email").await;
    let event = registered();
    eventually("the event to be taken", async || {
        publisher.publish(std::slice::from_ref(&event)).await.pop().unwrap().ok()
    })
    .await;
    assert_eq!(next(&mut calls).await.event, event);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_kept_while_its_retry_queue_is_missing() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) =
        ScriptedHandler::new(|n| if n < 2 { Reply::Transient } else { Reply::Done });
    let _consuming = rabbit.consume(handler);
    let publisher = rabbit.publisher();
    // Makes the publisher declare everything, without leaving an event behind.
    publisher.publish(&[activated()]).await.pop().unwrap().unwrap();
    let queue = rabbit.queue("email.retry.50").into();
    rabbit.channel().await.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
    let event = registered();
    publisher.publish(std::slice::from_ref(&event)).await.pop().unwrap().unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut calls).await.event, event);
    }
    assert_no_more(&rabbit.publisher(), &mut calls).await;
}

/// A rolling update: the worker is older than whoever published the event.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_newer_version_is_handed_back_unchanged_and_holds_up_nobody() {
    let mut rabbit = Rabbit::new().await;
    rabbit.options.retry_delays = [Duration::from_hours(1), Duration::from_millis(50)].to_vec();
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let consuming = rabbit.consume(handler);
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    let body = r#"{"specversion":"1.0","id":"019767c5-9a00-7000-8000-00000000002a","source":"/registration",
        "type":"user.of_the_future","data":{"made":["up"]}}"#;
    let (exchange, key) = (rabbit.options.exchange.as_str().into(), "user.registered".into());
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let channel = rabbit.channel().await;
    channel
        .basic_publish(exchange, key, options, body.as_bytes(), properties)
        .await
        .unwrap()
        .await
        .unwrap();
    // The longest of the delays, not the first or the last.
    rabbit.await_waiting("email.retry.3600000", 1).await;
    assert_no_more(&rabbit.publisher(), &mut calls).await;
    eventually("the count of what was handed back", async || {
        (consuming.consumer.handed_back() == 1).then_some(())
    })
    .await;
    assert!(listed(&rabbit.dead_letters()).await.is_empty());

    let queue = rabbit.queue("email.retry.3600000").into();
    let message =
        channel.basic_get(queue, BasicGetOptions { no_ack: true }).await.unwrap().unwrap();
    assert_eq!(message.data, body.as_bytes());
    drop(consuming);
}
