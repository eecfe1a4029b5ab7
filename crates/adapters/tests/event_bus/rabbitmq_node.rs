//! A RabbitMQ node of the test's own, for what would disturb all others: alarms and users without
//! permission.

use std::time::Duration;

use adapters::rabbitmq::{RabbitmqOptions, RabbitmqPublisher, diagnose};
use domain::ports::{EventPublisher, PublishError};
use domain::{ErrorChain, Severity};
use tempfile::TempDir;
use test_servers::{Interrupt, RabbitMq, Storage};
use test_support::{Proxy, eventually, soon};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::block_in_place;

use crate::handler::{Reply, ScriptedHandler, assert_no_more, next, registered};
use crate::rabbitmq::{Consuming, connect, options};
use crate::rabbitmq_diagnosis::assert_found;

/// A node, killed with this.
struct Node {
    rabbitmq: RabbitMq,
    // Dropped last: the node writes to it.
    _folder: TempDir,
}

impl Node {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut rabbitmq = RabbitMq::start(folder.path(), Storage::Disposable).unwrap();
        rabbitmq.server.wait_until_ready(&Interrupt::never()).unwrap();
        Self { rabbitmq, _folder: folder }
    }

    fn options(&self, user: &str) -> RabbitmqOptions {
        let url = format!("amqp://{user}:{user}@{}/%2f", self.address());
        options(&url, "registration")
    }

    /// `host:port`.
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.rabbitmq.server.port())
    }

    /// Runs `rabbitmqctl`.
    fn control(&self, arguments: &[&str]) {
        block_in_place(|| self.rabbitmq.control("rabbitmqctl", arguments)).unwrap();
    }

    /// Raises or ends an alarm for memory.
    fn alarm(&self, is_on: bool) {
        block_in_place(|| self.rabbitmq.set_memory_alarm(is_on)).unwrap();
    }
}

/// One test, since starting a node takes seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_nothing() {
    let node = block_in_place(Node::start);
    a_user_without_permission_is_the_cause(&node).await;
    each_missing_permission_is_diagnosed(&node).await;
    an_alarm_is_diagnosed(&node).await;
    during_an_alarm_nothing_leaks_and_nothing_is_repeated(&node).await;
}

async fn a_user_without_permission_is_the_cause(node: &Node) {
    node.control(&["add_user", "nobody", "nobody"]);
    node.control(&["set_permissions", "nobody", "", "", ""]);
    let publisher = || connect(&node.options("nobody"));
    let (idle, busy) = (publisher(), publisher());
    for _ in 0..3 {
        assert_access_refused(&idle).await;
    }
    assert!(matches!(busy.publish(&[registered()]).await[0], Err(PublishError::Unavailable(_))));
    // It may declare everything and publish nothing.
    node.control(&["set_permissions", "nobody", ".*", QUEUES, ".*"]);
    let declaring = publisher();
    assert_access_refused(&declaring).await;

    node.control(&["set_permissions", "nobody", ".*", ".*", ".*"]);
    for publisher in [&idle, &busy, &declaring] {
        // Nothing is published any more.
        eventually("the broker to be up again", async || publisher.ping().await.ok()).await;
    }
    busy.publish(&[registered()]).await.pop().unwrap().unwrap();
}

/// The queues, which bindings write to, and the exchange behind the retry queues, but not the
/// exchange for events.
const QUEUES: &str = r"^(registration\.email.*|amq\.default)$";

async fn assert_access_refused(publisher: &RabbitmqPublisher) {
    let refused = publisher.ping().await.unwrap_err();
    assert!(ErrorChain(&refused).to_string().contains("ACCESS_REFUSED"), "{refused:?}");
}

async fn each_missing_permission_is_diagnosed(node: &Node) {
    connect(&node.options("guest")).ping().await.unwrap();
    node.control(&["add_user", "limited", "limited"]);
    let ours = "^registration.*";
    for (permissions, said) in [
        (["^$", ".*", ".*"], "may not declare a queue (configure)"),
        ([ours, "^registration.email.*|^amq.default$", ".*"], "may not publish to the exchange"),
        ([ours, ours, ".*"], "may not publish to a queue by its name"),
        ([ours, ".*", "^$"], "may not take from a queue (read)"),
        ([ours, ".*", "^registration.email.*"], "may not bind a queue"),
    ] {
        let [configure, write, read] = permissions;
        node.control(&["set_permissions", "limited", configure, write, read]);
        let findings = diagnose(node.options("limited")).await;
        assert_found(&findings, "rabbitmq.permissions", Severity::Error, said);
    }
    node.control(&["set_permissions", "limited", ours, "^registration.*|^amq.default$", ours]);
    let findings = diagnose(node.options("limited")).await;
    for check in ["rabbitmq.exchange", "rabbitmq.queues", "rabbitmq.publishing"] {
        assert_found(&findings, check, Severity::Ok, "");
    }
    assert_found(&findings, "rabbitmq.permissions", Severity::Ok, "");
}

async fn an_alarm_is_diagnosed(node: &Node) {
    let options =
        RabbitmqOptions { confirm_timeout: Duration::from_secs(2), ..node.options("guest") };
    node.alarm(true);
    let findings = diagnose(options).await;
    node.alarm(false);
    assert_found(&findings, "rabbitmq.publishing", Severity::Error, "short of memory");
}

async fn during_an_alarm_nothing_leaks_and_nothing_is_repeated(node: &Node) {
    let mut options = RabbitmqOptions { exchange: "alarmed".into(), ..node.options("guest") };
    options.confirm_timeout = Duration::from_secs(1);
    let event = registered();
    let publisher = connect(&options);
    publisher.publish(std::slice::from_ref(&event)).await.pop().unwrap().unwrap();
    node.alarm(true);
    a_blocked_connection_is_closed(node, &options).await;

    let proxy = Proxy::start(node.address()).await;
    let url = format!("amqp://guest:guest@127.0.0.1:{}/%2f", proxy.port());
    let through_proxy = RabbitmqOptions { url: url.into(), ..options };
    let (handler, mut calls) =
        ScriptedHandler::new(|n| if n == 0 { Reply::Transient } else { Reply::Done });
    let _consuming = Consuming::start(&through_proxy, handler);
    assert_eq!(next(&mut calls).await.event, event);
    // It cannot be sent to its retry queue now. Long enough to give up several times.
    tokio::time::sleep(4 * through_proxy.confirm_timeout).await;
    assert!(calls.is_empty(), "the event is handled again, without its delay");
    assert_eq!(proxy.accepted(), 2, "one connection to consume and one to publish");
    node.alarm(false);
    assert_eq!(next(&mut calls).await.event, event);
    eventually("the publisher to recover", async || publisher.ping().await.ok()).await;
    assert_no_more(&publisher, &mut calls).await;
}

/// The broker reads nothing from it, so it would wait for a goodbye until the alarm ends.
async fn a_blocked_connection_is_closed(node: &Node, options: &RabbitmqOptions) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("amqp://guest:guest@{}/%2f", listener.local_addr().unwrap());
    let publisher = connect(&RabbitmqOptions { url: url.into(), ..options.clone() });
    let event = [registered()];
    let publishing = publisher.publish(&event);
    let upstream = node.address();
    let relaying = tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(upstream).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::select! {
            _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
            _ = tokio::io::copy(&mut from_server, &mut to_client) => panic!("the broker has closed the connection"),
        }
    });
    let refused = publishing.await.pop().unwrap().unwrap_err();
    assert!(ErrorChain(&refused).to_string().contains("short of memory"), "{refused:?}");
    publisher.ping().await.unwrap_err();
    drop(publisher);
    soon("the connection to be closed", relaying).await.unwrap();
}
