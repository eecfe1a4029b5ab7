//! A private RabbitMQ node.

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use test_servers::{Interrupt, Permission, Queue, RabbitMq, Storage};
use test_support::{eventually, soon};
use tokio::time::{Duration, sleep, timeout};

const QUEUE: &str = "kept";

struct Client {
    connection: Connection,
    channel: Channel,
}

impl Client {
    async fn connect(rabbitmq: &RabbitMq) -> Self {
        let url = rabbitmq.server.url();
        // A node that is starting may never answer a client.
        let connection = eventually("the node to take a client", async || {
            let connecting = Connection::connect(url, ConnectionProperties::default());
            timeout(Duration::from_secs(10), connecting).await.ok()?.ok()
        });
        let connection = connection.await;
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { connection, channel }
    }

    async fn declare(&self) {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(QUEUE.into(), options, FieldTable::default()).await.unwrap();
    }

    async fn purge(&self) -> Result<u32, lapin::Error> {
        let purged = self.channel.queue_purge(QUEUE.into(), QueuePurgeOptions::default());
        soon("a purge", purged).await
    }

    /// Publishes a message and waits for its confirmation.
    async fn publish(&self) -> Result<Confirmation, lapin::Error> {
        let (options, properties) =
            (BasicPublishOptions::default(), BasicProperties::default().with_delivery_mode(2));
        let exchange = "".into();
        let sent = self.channel.basic_publish(exchange, QUEUE.into(), options, b"text", properties);
        sent.await?.await
    }
}

fn queue(messages: u64) -> Vec<Queue> {
    vec![Queue { name: QUEUE.to_owned(), messages }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_broken_in_many_ways_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let mut rabbitmq = RabbitMq::start(folder.path(), Storage::Durable).unwrap();
    rabbitmq.server.wait_until_ready(&Interrupt::never()).unwrap();

    connections_and_messages_are_counted(&rabbitmq).await;
    what_was_confirmed_outlives_a_kill(&mut rabbitmq);
    a_frozen_node_confirms_when_it_is_thawed(&rabbitmq).await;
    an_alarm_blocks_publishers_until_it_ends(&rabbitmq).await;
    a_permission_is_taken_and_given_back(&rabbitmq).await;
    a_restart_keeps_everything(&mut rabbitmq).await;
}

async fn connections_and_messages_are_counted(rabbitmq: &RabbitMq) {
    assert_eq!((rabbitmq.connections().unwrap(), rabbitmq.queues().unwrap()), (0, Vec::new()));
    let client = Client::connect(rabbitmq).await;
    client.declare().await;
    client.publish().await.unwrap();
    assert_eq!((rabbitmq.connections().unwrap(), rabbitmq.queues().unwrap()), (1, queue(1)));
    let usage = rabbitmq.server.usage();
    assert!(usage.threads > 4 && usage.descriptors > 10 && usage.memory > 10_000_000, "{usage:?}");
}

fn what_was_confirmed_outlives_a_kill(rabbitmq: &mut RabbitMq) {
    rabbitmq.server.kill();
    assert!(rabbitmq.server.check().is_err());
    rabbitmq.server.start_again().unwrap();
    rabbitmq.server.wait_until_ready(&Interrupt::never()).unwrap();
    assert_eq!(rabbitmq.queues().unwrap(), queue(1));
}

async fn a_frozen_node_confirms_when_it_is_thawed(rabbitmq: &RabbitMq) {
    let client = Client::connect(rabbitmq).await;
    rabbitmq.server.freeze();
    waits_until(client.publish(), || rabbitmq.server.thaw()).await;
    client.purge().await.unwrap();
}

async fn an_alarm_blocks_publishers_until_it_ends(rabbitmq: &RabbitMq) {
    let client = Client::connect(rabbitmq).await;
    rabbitmq.set_memory_alarm(true).unwrap();
    waits_until(client.publish(), || rabbitmq.set_memory_alarm(false).unwrap()).await;
    client.purge().await.unwrap();
}

async fn a_permission_is_taken_and_given_back(rabbitmq: &RabbitMq) {
    let before = Client::connect(rabbitmq).await;
    before.publish().await.unwrap();
    rabbitmq.forbid(Permission::Write).unwrap();
    // Whether a channel remembers the permission is up to the version: it is closed.
    assert!(before.publish().await.is_err() && !before.connection.status().connected());
    let error = Client::connect(rabbitmq).await.publish().await.unwrap_err().to_string();
    assert!(error.contains("ACCESS_REFUSED"), "{error}");
    rabbitmq.forbid(Permission::Read).unwrap();
    let client = Client::connect(rabbitmq).await;
    client.publish().await.unwrap();
    assert!(client.purge().await.is_err());
    rabbitmq.allow_everything().unwrap();
    assert_eq!(Client::connect(rabbitmq).await.purge().await.unwrap(), 2);
}

async fn a_restart_keeps_everything(rabbitmq: &mut RabbitMq) {
    Client::connect(rabbitmq).await.publish().await.unwrap();
    let pid = rabbitmq.server.pid();
    rabbitmq.server.restart(&Interrupt::never()).unwrap();
    assert_ne!(rabbitmq.server.pid(), pid);
    assert_eq!(rabbitmq.queues().unwrap(), queue(1));
}

/// Publishes, sees that nothing comes back, ends the cause, and gets the confirmation.
async fn waits_until(
    publish: impl Future<Output = Result<Confirmation, lapin::Error>>,
    end: impl FnOnce(),
) {
    tokio::pin!(publish);
    tokio::select! {
        confirmed = &mut publish => panic!("{confirmed:?}"),
        () = sleep(Duration::from_millis(300)) => {}
    }
    end();
    soon("a confirmation", publish).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_form_a_cluster_that_keeps_copies_on_each() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let mut first = RabbitMq::start(&start("first"), Storage::Disposable).unwrap();
    first.server.wait_until_ready(&Interrupt::never()).unwrap();
    let mut second = first.start_member(&start("second"), Storage::Disposable).unwrap();
    second.server.wait_until_ready(&Interrupt::never()).unwrap();
    let client = Client::connect(&second).await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions::durable();
    client.channel.queue_declare("shared".into(), options, arguments).await.unwrap();
    assert_eq!(first.queue_members().unwrap(), [("shared".to_owned(), 2)]);
}
