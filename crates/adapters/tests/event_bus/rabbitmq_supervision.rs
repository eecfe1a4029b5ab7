//! Loops that panic are started again, whatever they were doing.

use std::sync::Arc;

use domain::ports::{EventHandler, EventPublisher};
use test_support::{PanickingLog, Proxy, eventually};

use crate::handler::{Reply, ScriptedHandler, assert_no_more, next, registered};
use crate::rabbitmq::{Consuming, Rabbit, connect};
use crate::rabbitmq_connection::{through, upstream};

#[tokio::test]
async fn a_publisher_that_panics_when_it_connects_is_started_again() {
    let rabbit = Rabbit::new().await;
    let log = PanickingLog::at("publisher.connected");
    let publisher = rabbit.publisher();
    publisher.publish(&[registered()]).await.pop().unwrap().unwrap();
    assert_eq!(log.panics(), 1);
}

#[tokio::test]
async fn a_publisher_that_panics_when_it_loses_its_connection_is_started_again() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let options = through(&rabbit, "amqp:", "127.0.0.1", proxy.port());
    let publisher = connect(&options);
    publisher.ping().await.unwrap();
    let log = PanickingLog::at("publisher.connection_lost");
    proxy.cut().await;
    eventually("the panic", async || (log.panics() == 1).then_some(())).await;
    publisher.ping().await.expect_err("there is no connection");
    proxy.restore().await;
    eventually("the publisher to be back", async || publisher.ping().await.ok()).await;
}

#[tokio::test]
async fn a_consumer_that_panics_when_it_connects_is_started_again() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let log = PanickingLog::at("consumer.connected");
    let consuming = rabbit.consume(handler);
    let (publisher, event) = (rabbit.publisher(), registered());
    publisher.publish(std::slice::from_ref(&event)).await.pop().unwrap().unwrap();
    assert_eq!(next(&mut calls).await.event, event);
    assert_eq!(log.panics(), 1);
    consuming.consumer.ping().unwrap();
}

#[tokio::test]
async fn a_consumer_that_panics_when_it_loses_its_connection_is_started_again() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let handler: Arc<dyn EventHandler> = handler;
    let consuming =
        Consuming::start(&through(&rabbit, "amqp:", "127.0.0.1", proxy.port()), handler);
    eventually("the consumer to connect", async || consuming.consumer.ping().ok()).await;
    let log = PanickingLog::at("consumer.disconnected");
    proxy.cut().await;
    eventually("the panic", async || (log.panics() == 1).then_some(())).await;
    consuming.consumer.ping().expect_err("there is no connection");
    proxy.restore().await;
    assert_no_more(&rabbit.publisher(), &mut calls).await;
}
