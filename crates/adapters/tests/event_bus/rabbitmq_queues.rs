//! How full the queues are, for the metrics.

use adapters::rabbitmq::{QueueDepths, RabbitmqQueues};
use domain::ports::EventPublisher;
use test_support::{Proxy, eventually};

use crate::handler::{Reply, ScriptedHandler, next, registered};
use crate::rabbitmq::Rabbit;
use crate::rabbitmq_connection::{through, upstream};

const EMPTY: QueueDepths = QueueDepths { work: 0, retry: 0, dead: 0 };

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_queue_is_counted() {
    let mut rabbit = Rabbit::new().await;
    rabbit.options.retry_delays = [3_600, 7_200].map(std::time::Duration::from_secs).to_vec();
    let queues = RabbitmqQueues::new(&rabbit.options).unwrap();
    // Before anybody else has declared them.
    assert_eq!(queues.depths().await.unwrap(), EMPTY);

    let (handler, mut calls) = ScriptedHandler::new(|n| match n {
        0 => Reply::Permanent("no"),
        _ => Reply::Transient,
    });
    let consuming = rabbit.consume(handler);
    for _ in 0..3 {
        rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
        next(&mut calls).await;
    }
    let settled = QueueDepths { work: 0, retry: 2, dead: 1 };
    eventually("the failed events in their queues", async || {
        (queues.depths().await.unwrap() == settled).then_some(())
    })
    .await;
    drop(consuming);
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    eventually("the event that nobody takes", async || {
        (queues.depths().await.unwrap() == QueueDepths { work: 1, ..settled }).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_an_error_once_the_broker_is_away_and_none_when_it_is_back() {
    let rabbit = Rabbit::new().await;
    let proxy = Proxy::start(upstream()).await;
    let options = through(&rabbit, "amqp:", "127.0.0.1", proxy.port());
    let queues = RabbitmqQueues::new(&options).unwrap();
    assert_eq!(queues.depths().await.unwrap(), EMPTY);
    proxy.cut().await;
    let error = queues.depths().await.unwrap_err().to_string();
    assert!(error.contains("cannot be counted"), "{error}");
    proxy.restore().await;
    assert_eq!(queues.depths().await.unwrap(), EMPTY);
}
