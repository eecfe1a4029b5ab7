//! Events that were set aside: kept with their reason, shown, and sent again.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adapters::cloud_events::{decode, encode};
use async_trait::async_trait;
use domain::ports::DeadLetterAction::Replay;
use domain::ports::{
    DeadLetterAction, DeadLetterError, DeadLetterSelection, DeadLetterVisitor, DeadLetters,
    EventPublisher,
};
use domain::{ErrorChain, EventId};
use lapin::BasicProperties;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use test_support::eventually;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::dead_letters::contract::dead_letter_contract;
use crate::dead_letters::{Entry, Shelf, act, apply, entries, ids, listed};
use crate::handler::{Reply, ScriptedHandler, assert_no_more, next, registered};
use crate::rabbitmq::{Rabbit, naming};

const REASON: &str = "the mail server refuses the mail: 550 <ada@example.com> unknown";

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_failure_is_kept_with_its_reason_until_it_is_replayed() {
    let rabbit = Rabbit::new().await;
    #[expect(clippy::disallowed_methods, reason = "the worker has no other clock")]
    let started = SystemTime::now() - Duration::from_millis(1);
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
    let listed = listed(&dead_letters).await;
    let expected = events.iter().map(|event| String::from_utf8(encode(event, &naming())).unwrap());
    assert!(
        listed.iter().map(|letter| letter.event.clone()).eq(expected),
        "oldest first: {listed:?}"
    );
    for letter in &listed {
        assert!(letter.reason.ends_with("refuses the mail: 550 *** unknown"), "{letter:?}");
        assert!(letter.failed_at.is_some_and(|time| time >= started), "{letter:?}");
        assert_eq!(letter.attempts, Some(1));
    }

    assert_eq!(act(&dead_letters, Replay).await, listed);
    let mut again = [next(&mut calls).await, next(&mut calls).await, next(&mut calls).await]
        .map(|c| c.event.id);
    again.sort();
    assert_eq!(again, events.each_ref().map(|event| event.id));
    assert_no_more(&rabbit.publisher(), &mut calls).await;
    assert!(act(&dead_letters, Replay).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_again_is_replayed_once_and_set_aside_again() {
    let rabbit = Rabbit::new().await;
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Permanent("no"));
    let _consuming = rabbit.consume(handler);
    rabbit.publisher().publish(&[registered()]).await.pop().unwrap().unwrap();
    next(&mut calls).await;
    rabbit.await_waiting("email.dead", 1).await;
    assert_eq!(act(&rabbit.dead_letters(), Replay).await.len(), 1);
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
    let listed = listed(&rabbit.dead_letters()).await;
    assert!(
        listed.iter().all(|letter| letter.reason.starts_with("not a CloudEvent in JSON")),
        "{listed:?}"
    );
    assert!(listed.iter().any(|letter| letter.event == "{\"not\": \"an event\"}"));
    assert_no_more(&rabbit.publisher(), &mut calls).await;
}

dead_letter_contract!(Rabbit::with_queues());

impl Rabbit {
    /// With the queues that a command declares.
    async fn with_queues() -> Self {
        let rabbit = Self::new().await;
        assert!(listed(&rabbit.dead_letters()).await.is_empty());
        rabbit
    }
}

#[async_trait(?Send)]
impl Shelf for Rabbit {
    fn letters(&self) -> &dyn DeadLetters {
        self
    }

    /// As a worker does it.
    async fn put(&self, entries: &[Entry]) {
        let channel = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let mut confirmations = Vec::new();
        for entry in entries {
            let millis = entry.failed_at.duration_since(UNIX_EPOCH).unwrap().as_millis();
            let mut headers = FieldTable::default();
            headers.insert("x-failures".into(), AMQPValue::LongLongInt(4));
            headers.insert("x-reason".into(), AMQPValue::LongString(entry.reason.into()));
            headers
                .insert("x-failed-at".into(), AMQPValue::LongLongInt(millis.try_into().unwrap()));
            let properties = BasicProperties::default()
                .with_message_id(entry.event.id.as_uuid().to_string().into())
                .with_headers(headers);
            let (queue, options) =
                (self.queue("email.dead").into(), BasicPublishOptions::default());
            let body = encode(&entry.event, &naming());
            let sent = channel.basic_publish("".into(), queue, options, &body, properties).await;
            confirmations.push(sent.unwrap());
        }
        for confirmation in confirmations {
            confirmation.await.unwrap();
        }
    }

    async fn delivered(&self) -> Vec<EventId> {
        let mut delivered = Vec::new();
        let channel = self.channel().await;
        let options = BasicGetOptions { no_ack: true };
        while let Some(message) =
            channel.basic_get(self.queue("email").into(), options).await.unwrap()
        {
            delivered.push(decode(&message.data).unwrap().id);
        }
        delivered
    }
}

/// A command for each call, as an operator would start it.
#[async_trait]
impl DeadLetters for Rabbit {
    async fn apply(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), DeadLetterError> {
        self.dead_letters().apply(action, selection, visit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_in_memory_and_the_rest_stays_in_the_queue() {
    let rabbit = Rabbit::with_queues().await;
    rabbit.put(&entries(1200, &["refused"])).await;
    let mut waiting = None;
    let mut visit = |_| {
        let counting = async { rabbit.await_waiting("email.dead", 700).await };
        if waiting.is_none() {
            tokio::task::block_in_place(|| Handle::current().block_on(counting));
            waiting = Some(700);
        }
        ControlFlow::Continue(())
    };
    let all = DeadLetterSelection::default();
    rabbit.letters().apply(DeadLetterAction::List, &all, &mut visit).await.unwrap();
    assert_eq!(rabbit.waiting("email.dead").await, 1200, "all are back when the command ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_dies_half_way_loses_nothing() {
    let rabbit = Rabbit::with_queues().await;
    let entries = entries(1200, &["refused"]);
    rabbit.put(&entries).await;
    let half_way = Notify::new();
    let mut visited = 0;
    let mut visit = |_| {
        visited += 1;
        half_way.notify_one();
        ControlFlow::Continue(())
    };
    let all = DeadLetterSelection::default();
    tokio::select! {
        biased;
        () = half_way.notified() => {}
        _ = rabbit.letters().apply(Replay, &all, &mut visit) => panic!("it was not interrupted"),
    }
    assert!((1..1200).contains(&visited), "{visited}");
    // What the command had in hand returns some time after it has gone.
    let mut delivered = BTreeSet::new();
    let expected: BTreeSet<_> = entries.iter().map(|entry| entry.event.id).collect();
    eventually("every event, dead or delivered", async || {
        delivered.extend(rabbit.delivered().await);
        let mut found = delivered.clone();
        found.extend(ids(&listed(&rabbit.dead_letters()).await));
        (found == expected).then_some(())
    })
    .await;
}

/// What a version without the headers has set aside.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_set_aside_is_found_by_when_it_happened() {
    let rabbit = Rabbit::with_queues().await;
    let event = registered();
    let happened_at = UNIX_EPOCH + event.id.happened_at().unwrap();
    let properties =
        BasicProperties::default().with_message_id(event.id.as_uuid().to_string().into());
    let (queue, options) = (rabbit.queue("email.dead").into(), BasicPublishOptions::default());
    let channel = rabbit.channel().await;
    channel
        .basic_publish("".into(), queue, options, &encode(&event, &naming()), properties)
        .await
        .unwrap();
    rabbit.await_waiting("email.dead", 1).await;
    let since = |since| DeadLetterSelection { since: Some(since), ..Default::default() };
    let found = apply(&rabbit, DeadLetterAction::List, &since(happened_at)).await.unwrap();
    assert_eq!(ids(&found), [event.id]);
    assert_eq!((found[0].failed_at, found[0].attempts), (None, None));
    let later = since(happened_at + Duration::from_millis(1));
    assert!(apply(&rabbit, DeadLetterAction::Discard, &later).await.unwrap().is_empty());
    assert_eq!(listed(&rabbit).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_does_not_take_stays_a_dead_letter() {
    let rabbit = Rabbit::with_queues().await;
    let entries = entries(600, &["refused"]);
    rabbit.put(&entries).await;
    let delete = async {
        let (queue, options) = (rabbit.queue("email").into(), QueueDeleteOptions::default());
        rabbit.channel().await.queue_delete(queue, options).await.unwrap()
    };
    let mut delete = Some(delete);
    // Before the second page is published.
    let mut visit = |_| {
        if let Some(delete) = delete.take() {
            tokio::task::block_in_place(|| Handle::current().block_on(delete));
        }
        ControlFlow::Continue(())
    };
    let all = DeadLetterSelection::default();
    let error = rabbit.letters().apply(Replay, &all, &mut visit).await.unwrap_err();
    assert!(ErrorChain(&error).to_string().contains("no queue takes the message"), "{error:?}");
    let left = ids(&listed(&rabbit).await);
    assert_eq!(left, entries[500..].iter().map(|entry| entry.event.id).collect::<Vec<_>>());
}
