//! A RabbitMQ node of the test's own, for what would disturb all others: alarms and users without
//! permission.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use adapters::rabbitmq::{RabbitmqOptions, RabbitmqPublisher, diagnose};
use domain::ports::{EventPublisher, PublishError};
use domain::{ErrorChain, Severity};
use lapin::{Connection, ConnectionProperties};
use test_support::{Proxy, eventually, free_port, soon};
use tokio::net::{TcpListener, TcpStream};

use crate::handler::{Reply, ScriptedHandler, assert_no_more, next, registered};
use crate::rabbitmq::{Consuming, connect, options};
use crate::rabbitmq_diagnosis::assert_found;

/// The scripts behind those on the PATH: those of Debian change the user.
const DEBIAN_FOLDER: &str = "/usr/lib/rabbitmq/bin";

/// A node with its port mapper, killed with this.
struct Node {
    folder: tempfile::TempDir,
    port: u16,
    mapper_port: u16,
    processes: Vec<Child>,
}

impl Node {
    async fn start() -> Self {
        let [port, mapper_port] = [free_port(), free_port()];
        let mut node =
            Self { folder: tempfile::tempdir().unwrap(), port, mapper_port, processes: Vec::new() };
        let mut mapper = tied_to_us("epmd");
        mapper.args(["-port", &mapper_port.to_string(), "-address", "127.0.0.1"]);
        node.spawn(mapper);
        let path = |name: &str| node.folder.path().join(name);
        std::fs::write(path("rabbitmq.conf"), format!("listeners.tcp.1 = 127.0.0.1:{port}\n"))
            .unwrap();
        std::fs::write(path("enabled_plugins"), "[].\n").unwrap();
        let mut server = node.command("rabbitmq-server");
        server
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", path("advanced.config"))
            .env("RABBITMQ_MNESIA_BASE", path("mnesia"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", path("config"))
            .env("RABBITMQ_SCHEMA_DIR", path("schema"))
            .env("RABBITMQ_PID_FILE", path("pid"))
            .env("RABBITMQ_LOG_BASE", node.folder.path())
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_DIST_PORT", free_port().to_string())
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}",
            )
            // One process to kill, instead of a script that waits for it.
            .env("RUNNING_UNDER_SYSTEMD", "true");
        node.spawn(server);
        eventually("the node to answer", async || {
            Connection::connect(&node.url("guest"), ConnectionProperties::default()).await.ok()
        })
        .await;
        node
    }

    fn url(&self, user: &str) -> String {
        format!("amqp://{user}:{user}@127.0.0.1:{}/%2f", self.port)
    }

    fn options(&self, user: &str) -> RabbitmqOptions {
        options(&self.url(user), "registration")
    }

    fn command(&self, program: &str) -> Command {
        let script = PathBuf::from(DEBIAN_FOLDER).join(program);
        let mut command = tied_to_us(if script.is_file() { script } else { program.into() });
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RABBITMQ_"))
        {
            command.env_remove(name);
        }
        command
            .env("HOME", self.folder.path())
            .env("RABBITMQ_CONF_ENV_FILE", self.folder.path().join("rabbitmq-env.conf"))
            .env("RABBITMQ_NODENAME", format!("registration-test-{}@localhost", self.port))
            .env("ERL_EPMD_PORT", self.mapper_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command
    }

    fn spawn(&mut self, mut command: Command) {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn().expect("RabbitMQ is not installed: run `cargo xtask test`");
        self.processes.push(started);
    }

    /// Runs `rabbitmqctl`.
    async fn control(&self, arguments: &[&str]) {
        let mut command = self.command("rabbitmqctl");
        command.args(arguments);
        let finished =
            tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(finished.status.success(), "{}", String::from_utf8_lossy(&finished.stderr));
    }

    /// Raises or ends an alarm for memory: every node has more in use than the one watermark, and
    /// less than the other.
    async fn alarm(&self, is_on: bool) {
        let watermark = if is_on { "0.00001" } else { "0.9" };
        self.control(&["set_vm_memory_high_watermark", watermark]).await;
        eventually("the alarm", async || {
            let mut check = self.command("rabbitmq-diagnostics");
            check.arg("check_local_alarms");
            let checked =
                tokio::task::spawn_blocking(move || check.output()).await.unwrap().unwrap();
            (checked.status.success() != is_on).then_some(())
        })
        .await;
    }
}

/// A program that is killed with this one, however that ends.
fn tied_to_us(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig=KILL", "--"]).arg(program);
    command
}

impl Drop for Node {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// One test, since starting a node takes seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_nothing() {
    let node = Node::start().await;
    a_user_without_permission_is_the_cause(&node).await;
    each_missing_permission_is_diagnosed(&node).await;
    an_alarm_is_diagnosed(&node).await;
    during_an_alarm_nothing_leaks_and_nothing_is_repeated(&node).await;
}

async fn a_user_without_permission_is_the_cause(node: &Node) {
    node.control(&["add_user", "nobody", "nobody"]).await;
    node.control(&["set_permissions", "nobody", "", "", ""]).await;
    let publisher = || connect(&node.options("nobody"));
    let (idle, busy) = (publisher(), publisher());
    for _ in 0..3 {
        assert_access_refused(&idle).await;
    }
    assert!(matches!(busy.publish(&[registered()]).await[0], Err(PublishError::Unavailable(_))));
    // It may declare everything and publish nothing.
    node.control(&["set_permissions", "nobody", ".*", QUEUES, ".*"]).await;
    let declaring = publisher();
    assert_access_refused(&declaring).await;

    node.control(&["set_permissions", "nobody", ".*", ".*", ".*"]).await;
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
    node.control(&["add_user", "limited", "limited"]).await;
    let ours = "^registration.*";
    for (permissions, said) in [
        (["^$", ".*", ".*"], "may not declare a queue (configure)"),
        ([ours, "^registration.email.*|^amq.default$", ".*"], "may not publish to the exchange"),
        ([ours, ours, ".*"], "may not publish to a queue by its name"),
        ([ours, ".*", "^$"], "may not take from a queue (read)"),
        ([ours, ".*", "^registration.email.*"], "may not bind a queue"),
    ] {
        let [configure, write, read] = permissions;
        node.control(&["set_permissions", "limited", configure, write, read]).await;
        let findings = diagnose(node.options("limited")).await;
        assert_found(&findings, "rabbitmq.permissions", Severity::Error, said);
    }
    node.control(&["set_permissions", "limited", ours, "^registration.*|^amq.default$", ours])
        .await;
    let findings = diagnose(node.options("limited")).await;
    for check in ["rabbitmq.exchange", "rabbitmq.queues", "rabbitmq.publishing"] {
        assert_found(&findings, check, Severity::Ok, "");
    }
    assert_found(&findings, "rabbitmq.permissions", Severity::Ok, "");
}

async fn an_alarm_is_diagnosed(node: &Node) {
    let options =
        RabbitmqOptions { confirm_timeout: Duration::from_secs(2), ..node.options("guest") };
    node.alarm(true).await;
    let findings = diagnose(options).await;
    node.alarm(false).await;
    assert_found(&findings, "rabbitmq.publishing", Severity::Error, "short of memory");
}

async fn during_an_alarm_nothing_leaks_and_nothing_is_repeated(node: &Node) {
    let mut options = RabbitmqOptions { exchange: "alarmed".into(), ..node.options("guest") };
    options.confirm_timeout = Duration::from_secs(1);
    let event = registered();
    let publisher = connect(&options);
    publisher.publish(std::slice::from_ref(&event)).await.pop().unwrap().unwrap();
    node.alarm(true).await;
    a_blocked_connection_is_closed(node, &options).await;

    let proxy = Proxy::start(format!("127.0.0.1:{}", node.port)).await;
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
    node.alarm(false).await;
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
    let upstream = format!("127.0.0.1:{}", node.port);
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
