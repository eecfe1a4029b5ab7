//! Events that were set aside: kept with their reason, shown, and sent again.

use adapters::rabbitmq::encode;
use domain::ports::{DeadLetters, EventPublisher};
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;

use crate::handler::{Reply, ScriptedHandler, assert_no_more, next, registered};
use crate::rabbitmq::Rabbit;

const REASON: &str = "the mail server refuses the mail: 550 <ada@example.com> unknown";

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_failure_is_kept_with_its_reason_until_it_is_replayed() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) =
        ScriptedHandler::new(|n| if n < 3 { Reply::Permanent(REASON) } else { Reply::Done });
    let _consuming = rabbit.consume(handler);
    let events = [registered(), registered(), registered()];
    for event in &events {
        rabbit.publisher().publish(std::slice::from_ref(event)).await.pop().unwrap().unwrap();
        next(&mut calls).await;
    }
    rabbit.await_waiting("email.dead", 3).await;

    let dead_letters = rabbit.dead_letters();
    for _ in 0..2 {
        assert_eq!(dead_letters.list(2).await.unwrap().len(), 2);
        let listed = dead_letters.list(10).await.unwrap();
        let expected = events.iter().map(|event| String::from_utf8(encode(event)).unwrap());
        assert!(
            listed.iter().map(|letter| letter.event.clone()).eq(expected),
            "oldest first: {listed:?}"
        );
        assert!(
            listed
                .iter()
                .all(|letter| letter.reason.ends_with("refuses the mail: 550 *** unknown"))
        );
    }

    assert_eq!(dead_letters.replay().await.unwrap(), 3);
    let mut again = [next(&mut calls).await, next(&mut calls).await, next(&mut calls).await]
        .map(|c| c.event.id);
    again.sort();
    assert_eq!(again, events.each_ref().map(|event| event.id));
    assert_no_more(&rabbit.publisher(), &mut calls).await;
    assert!(dead_letters.list(10).await.unwrap().is_empty());
    assert_eq!(dead_letters.replay().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_again_is_replayed_once_and_set_aside_again() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Permanent("no"));
    let _consuming = rabbit.consume(handler);
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    rabbit.await_waiting("email.dead", 1).await;
    assert_eq!(rabbit.dead_letters().replay().await.unwrap(), 1);
    next(&mut calls).await;
    rabbit.await_waiting("email.dead", 1).await;
    assert_no_more(&rabbit.publisher(), &mut calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decoded_is_set_aside_with_the_reason() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let _consuming = rabbit.consume(handler);
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    for body in [&b"{\"not\": \"an event\"}"[..], b"\xff\xfe", b""] {
        let (exchange, key) = (rabbit.options.exchange.as_str().into(), "user.registered".into());
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let channel = rabbit.channel().await;
        channel
            .basic_publish(exchange, key, options, body, properties)
            .await
            .unwrap()
            .await
            .unwrap();
        drop(channel);
    }
    rabbit.await_waiting("email.dead", 3).await;
    let listed = rabbit.dead_letters().list(10).await.unwrap();
    assert!(
        listed.iter().all(|letter| letter.reason.starts_with("not a CloudEvent in JSON")),
        "{listed:?}"
    );
    assert!(listed.iter().any(|letter| letter.event == "{\"not\": \"an event\"}"));
    assert_no_more(&rabbit.publisher(), &mut calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_more_often_than_a_quorum_queue_would_return_a_message_loses_nothing() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Permanent("no"));
    let _consuming = rabbit.consume(handler);
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    rabbit.await_waiting("email.dead", 1).await;
    for _ in 0..25 {
        assert_eq!(rabbit.dead_letters().list(10).await.unwrap().len(), 1);
    }
}
