//! What `doctor` says about RabbitMQ: each problem provoked on a real broker. What would disturb
//! others is provoked on a node of its own, in `rabbitmq_node`.

use adapters::rabbitmq::{RabbitmqOptions, diagnose};
use domain::ports::EventPublisher;
use domain::{Finding, Severity};
use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use test_support::free_port;

use crate::handler::registered;
use crate::rabbitmq::{Rabbit, amqp_url};
use crate::rabbitmq_connection::upstream;

/// A password that no finding may hold.
const CANARY: &str = "hush-hush";

/// How much a check matters, and what was said of it.
#[track_caller]
pub(crate) fn assert_found(findings: &[Finding], check: &str, severity: Severity, said: &str) {
    let found: Vec<_> = findings.iter().filter(|finding| finding.check == check).collect();
    assert!(!found.is_empty(), "{check} is not in {findings:#?}");
    let is_it = |f: &&Finding| f.severity == severity && f.message.contains(said);
    assert!(found.into_iter().any(|finding| is_it(&finding)), "{said:?} is not in {findings:#?}");
}

async fn queue_exists(rabbit: &Rabbit, suffix: &str) -> bool {
    let passive = QueueDeclareOptions::durable().passive();
    let (channel, queue) = (rabbit.channel().await, rabbit.queue(suffix));
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_with_its_queues_has_nothing_but_ok() {
    let rabbit = Rabbit::new().await;
    rabbit.publisher().ping().await.unwrap();
    let findings = diagnose(rabbit.options.clone()).await;
    let found: Vec<_> = findings.iter().map(|finding| (finding.check, finding.severity)).collect();
    let expected = [
        "rabbitmq.connection",
        "rabbitmq.tls",
        "rabbitmq.exchange",
        "rabbitmq.backlog",
        "rabbitmq.dead_letters",
        "rabbitmq.queues",
        "rabbitmq.publishing",
        "rabbitmq.permissions",
    ];
    assert_eq!(found, expected.map(|check| (check, Severity::Ok)), "{findings:#?}");
    for queue in ["email", "email.dead"] {
        assert_eq!(rabbit.waiting(queue).await, 0, "the check leaves a message in {queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_of_a_cluster_is_tried() {
    let rabbit = Rabbit::new().await;
    rabbit.publisher().ping().await.unwrap();
    let nobody = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let with_hosts = |hosts: String| {
        let url = amqp_url().replace(&upstream(), &hosts);
        RabbitmqOptions { url: url.into(), ..rabbit.options.clone() }
    };
    let findings = diagnose(with_hosts(format!("{},{}", nobody[0], upstream()))).await;
    assert_found(&findings, "rabbitmq.connection", Severity::Ok, &upstream());
    assert_found(&findings, "rabbitmq.connection", Severity::Warning, &nobody[0]);
    assert_found(&findings, "rabbitmq.permissions", Severity::Ok, "");
    let findings = diagnose(with_hosts(nobody.join(","))).await;
    for host in nobody {
        assert_found(&findings, "rabbitmq.connection", Severity::Error, &host);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_yet_is_named_and_not_made() {
    let rabbit = Rabbit::new().await;
    let findings = diagnose(rabbit.options.clone()).await;
    assert_found(&findings, "rabbitmq.exchange", Severity::Warning, &rabbit.options.exchange);
    assert_found(&findings, "rabbitmq.queues", Severity::Warning, &rabbit.queue("email.retry.500"));
    assert_found(&findings, "rabbitmq.permissions", Severity::Ok, "");
    for queue in ["email", "email.dead", "email.retry.500"] {
        assert!(!queue_exists(&rabbit, queue).await, "the check makes {queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_arguments_is_an_error() {
    let rabbit = Rabbit::new().await;
    rabbit.publisher().ping().await.unwrap();
    let (channel, queue) = (rabbit.channel().await, rabbit.queue("email.dead"));
    channel.queue_delete(queue.clone().into(), QueueDeleteOptions::default()).await.unwrap();
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare(queue.clone().into(), durable, FieldTable::default()).await.unwrap();
    let findings = diagnose(rabbit.options.clone()).await;
    assert_found(&findings, "rabbitmq.queues", Severity::Error, &queue);
    assert_found(&findings, "rabbitmq.queues", Severity::Error, "declared differently");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_of_another_kind_is_an_error() {
    let rabbit = Rabbit::new().await;
    let (channel, exchange) = (rabbit.channel().await, rabbit.options.exchange.clone());
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let kind = ExchangeKind::Fanout;
    let arguments = FieldTable::default();
    channel.exchange_declare(exchange.clone().into(), kind, durable, arguments).await.unwrap();
    let findings = diagnose(rabbit.options.clone()).await;
    assert_found(&findings, "rabbitmq.exchange", Severity::Error, &exchange);
    assert_found(&findings, "rabbitmq.exchange", Severity::Error, "declared differently");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_nobody_takes_and_dead_letters_are_counted() {
    let rabbit = Rabbit::new().await;
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    let (channel, queue) = (rabbit.channel().await, rabbit.queue("email.dead"));
    let (exchange, options) =
        (String::new().into(), lapin::options::BasicPublishOptions::default());
    let properties = lapin::BasicProperties::default();
    channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await.unwrap();
    channel
        .basic_publish(exchange, queue.into(), options, b"dead", properties)
        .await
        .unwrap()
        .await
        .unwrap();
    let findings = diagnose(rabbit.options.clone()).await;
    assert_found(&findings, "rabbitmq.backlog", Severity::Warning, "1 events wait");
    assert_found(&findings, "rabbitmq.dead_letters", Severity::Warning, "1 events were set aside");
    assert_eq!(rabbit.waiting("email").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_13_3_1_a_broker_that_lets_nobody_in_is_named_without_its_password() {
    let rabbit = Rabbit::new().await;
    let url = amqp_url();
    let address = url.rsplit_once('@').unwrap().1.split('/').next().unwrap();
    let at = |url: String| RabbitmqOptions { url: url.into(), ..rabbit.options.clone() };
    for (url, said, advised) in [
        (format!("amqp://guest:{CANARY}@{address}/%2f"), "ACCESS_REFUSED", "user and password"),
        (url.replace("/%2f", "/nothing-here"), "nothing-here", "virtual host"),
        (format!("amqp://me:{CANARY}@127.0.0.1:{}/%2f", free_port()), "127.0.0.1", "start"),
        (format!("ampq://me:{CANARY}@broker/%2f"), "amqp://", "[rabbitmq]"),
    ] {
        let findings = diagnose(at(url)).await;
        assert_found(&findings, "rabbitmq.connection", Severity::Error, said);
        let advice = findings[0].advice.as_deref().unwrap();
        assert!(findings.len() == 1 && advice.contains(advised), "{findings:#?}");
        assert!(!format!("{findings:?}").contains(CANARY), "a password in {findings:#?}");
    }
}
