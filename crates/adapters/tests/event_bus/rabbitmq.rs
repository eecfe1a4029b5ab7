//! The bus through RabbitMQ: an exchange of its own for each test, removed with its queues
//! afterwards.

use std::sync::Arc;
use std::time::Duration;

use adapters::cloud_events::EventNaming;
use adapters::rabbitmq::{
    RabbitmqConsumer, RabbitmqDeadLetters, RabbitmqOptions, RabbitmqPublisher,
};
use async_trait::async_trait;
use domain::ports::{EventHandler, EventPublisher};
use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use test_support::{eventually_within, unique_name};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::contract::{self, Bus, CONCURRENCY, contract_tests};
use crate::dead_letters::listed;
use crate::handler::DELIVERY_TIMEOUT;

pub(crate) fn amqp_url() -> String {
    std::env::var("TEST_AMQP_URL").expect("TEST_AMQP_URL is not set: run `cargo xtask test`")
}

/// Options as a service would have them, but impatient enough for a test.
pub(crate) fn options(url: &str, exchange: &str) -> RabbitmqOptions {
    RabbitmqOptions {
        url: url.to_owned().into(),
        exchange: exchange.to_owned(),
        retry_delays: [50, 200, 500].map(Duration::from_millis).to_vec(),
        prefetch: CONCURRENCY,
        connect_timeout: Duration::from_secs(10),
        confirm_timeout: Duration::from_secs(3),
        reconnect_min: Duration::from_millis(20),
        reconnect_max: Duration::from_millis(200),
    }
}

/// A publisher of events that are called as they are by default.
pub(crate) fn connect(options: &RabbitmqOptions) -> RabbitmqPublisher {
    RabbitmqPublisher::new(options, naming()).unwrap()
}

pub(crate) fn naming() -> EventNaming {
    EventNaming { source: "/registration".into(), type_prefix: String::new() }
}

/// An exchange that no other test uses.
pub(crate) struct Rabbit {
    pub(crate) options: RabbitmqOptions,
    pub(crate) connection: Connection,
}

impl Rabbit {
    pub(crate) async fn new() -> Self {
        let url = amqp_url();
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        Self { options: options(&url, &format!("test-{}", unique_name())), connection }
    }

    pub(crate) fn publisher(&self) -> RabbitmqPublisher {
        connect(&self.options)
    }

    pub(crate) fn dead_letters(&self) -> RabbitmqDeadLetters {
        RabbitmqDeadLetters::new(&self.options).unwrap()
    }

    pub(crate) fn consume(&self, handler: Arc<dyn EventHandler>) -> Consuming {
        Consuming::start(&self.options, handler)
    }

    pub(crate) async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    pub(crate) fn queue(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.options.exchange)
    }

    /// How many messages of a queue no consumer has been given.
    pub(crate) async fn waiting(&self, suffix: &str) -> u32 {
        let passive = QueueDeclareOptions::durable().passive();
        let channel = self.channel().await;
        let queue =
            channel.queue_declare(self.queue(suffix).into(), passive, FieldTable::default()).await;
        queue.unwrap().message_count()
    }

    /// Waits until somebody has declared a queue.
    pub(crate) async fn await_declared(&self, suffix: &str) {
        let passive = QueueDeclareOptions::durable().passive();
        eventually_within(DELIVERY_TIMEOUT, "the declaration of the queue", async || {
            let queue = self.queue(suffix).into();
            // A missing queue costs the channel.
            self.channel().await.queue_declare(queue, passive, FieldTable::default()).await.ok()
        })
        .await;
    }

    /// Waits until a queue holds exactly `count` messages that no consumer has been given.
    pub(crate) async fn await_waiting(&self, suffix: &str, count: u32) {
        eventually_within(DELIVERY_TIMEOUT, &format!("{count} messages in {suffix}"), async || {
            (self.waiting(suffix).await == count).then_some(())
        })
        .await;
    }
}

impl Drop for Rabbit {
    /// On a thread of its own, because a test's runtime may be about to end.
    fn drop(&mut self) {
        let options = self.options.clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(remove(&options));
        });
        let _ = removed.join();
    }
}

async fn remove(options: &RabbitmqOptions) {
    let connection =
        Connection::connect(&amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let delays =
        options.retry_delays.iter().map(|delay| format!("email.retry.{}", delay.as_millis()));
    for suffix in delays.chain(["email".into(), "email.dead".into()]) {
        let queue = format!("{}.{suffix}", options.exchange);
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }
    let exchange = options.exchange.as_str().into();
    channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await.unwrap();
    connection.close(200, "OK".into()).await.unwrap();
}

/// A consumer at work.
pub(crate) struct Consuming {
    pub(crate) consumer: Arc<RabbitmqConsumer>,
    pub(crate) task: JoinHandle<()>,
    shutdown: watch::Sender<bool>,
}

impl Consuming {
    pub(crate) fn start(options: &RabbitmqOptions, handler: Arc<dyn EventHandler>) -> Self {
        let consumer = Arc::new(RabbitmqConsumer::new(options).unwrap());
        let (shutdown, requested) = watch::channel(false);
        let task = consumer.start(handler, move || {
            let mut requested = requested.clone();
            async move { drop(requested.wait_for(|requested| *requested).await) }
        });
        Self { consumer, task, shutdown }
    }

    pub(crate) fn shut_down(&mut self) {
        self.shutdown.send_replace(true);
    }
}

impl Drop for Consuming {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct RabbitmqBus {
    publisher: RabbitmqPublisher,
    _consuming: Consuming,
    rabbit: Rabbit,
}

#[async_trait(?Send)]
impl Bus for RabbitmqBus {
    async fn start(handler: Arc<dyn EventHandler>) -> Self {
        let rabbit = Rabbit::new().await;
        Self { publisher: rabbit.publisher(), _consuming: rabbit.consume(handler), rabbit }
    }

    fn publisher(&self) -> &dyn EventPublisher {
        &self.publisher
    }

    async fn set_aside(&self, rejected: usize) -> usize {
        rejected + listed(&self.rabbit.dead_letters()).await.len()
    }

    /// The broker gives a consumer all that it may have at once, so what the queue still holds is
    /// kept back.
    async fn wait_until_kept_back(&self, count: usize) {
        self.rabbit.await_waiting("email", count.try_into().unwrap()).await;
    }
}

contract_tests!(RabbitmqBus);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_are_handled_at_once() {
    contract::only_so_many_are_handled_at_once::<RabbitmqBus>().await;
}
