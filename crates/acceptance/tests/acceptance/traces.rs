//! One trace leads from a request to the reply of the mail server, in what a collector receives and
//! in the log of every process.

use std::collections::BTreeSet;

use acceptance::{Account, Client, Deployment, Journey, Reply, Secrets, Setup, Verdict, journeys};
use reqwest::Method;
use serde_json::{Value, json};
use test_support::eventually;

use crate::collector::{Collector, Span, traced};

pub(crate) const REGISTER: &str = "POST /api/v1/users/register";
const ACTIVATE: &str = "POST /api/v1/users/activate";

journeys!(both {
    one_trace_leads_from_the_request_to_the_reply_of_the_mail_server: setup(), [];
    an_activation_and_a_refused_mail_are_traced_too: setup().expecting_errors(), [];
    the_decision_of_a_trusted_proxy_is_followed:
        setup().with("telemetry.sample_ratio", "0").with("http.trusted_proxies", "127.0.0.0/8"), [];
    a_strangers_trace_is_linked: setup(), [];
    a_process_that_ends_sends_its_last_spans: setup(), [];
    a_share_of_none_sends_nothing: setup().with("telemetry.sample_ratio", "0"), [];
    a_collector_that_is_away_costs_a_warning_and_is_counted: setup(), [];
    every_line_about_a_registration_names_its_trace:
        setup().with("log.format", "json").with("log.filter", "debug"), [];
});

fn setup() -> Setup {
    traced(Setup::own().with_default_limits())
}

async fn one_trace_leads_from_the_request_to_the_reply_of_the_mail_server(journey: &Journey) {
    let collector = Collector::start(journey).await;
    let (trace_id, _) = registered(journey).await;
    let names = Names::of(journey);
    let last = names.after_the_mail;
    let spans = collector.trace(&trace_id, &[REGISTER, &names.publish, last, "SMTP"]).await;

    let tree = tree(&spans);
    let expected = names.tree();
    assert_eq!(expected.difference(&tree).collect::<Vec<_>>(), [""; 0], "is missing of {tree:#?}");
    let request = find(&spans, REGISTER);
    assert_eq!(request.parent, "", "a trace begins with its request");
    let attributes = &request.attributes;
    assert_eq!(attributes["http.request.method"], "POST");
    assert_eq!(attributes["http.route"], "/api/v1/users/register");
    assert_eq!(attributes["http.response.status_code"], "201");
    let publish = &find(&spans, &names.publish).attributes;
    assert_eq!(publish["messaging.operation.type"], "send");
    assert_eq!(publish["registration.event.type"], "user.registered");
    let process = &find(&spans, &names.process).attributes;
    assert_eq!(process["messaging.operation.type"], "process");
    assert_eq!(process["messaging.message.id"], publish["messaging.message.id"]);
    for attributes in [publish, process] {
        assert_eq!(attributes["messaging.system"], names.messaging_system);
    }
    let insert = &find(&spans, "INSERT users").attributes;
    assert_eq!(insert["db.system.name"], names.database_system);
    assert_eq!(insert["db.operation.name"], "INSERT");
    assert_eq!(find(&spans, "SMTP").attributes["registration.smtp.reply_code"], "250");
    assert!(spans.iter().all(|span| !span.has_failed), "{spans:#?}");
    assert!(find(&spans, "hash").nanoseconds > 0);
    // Probes, polls and pings belong to no request.
    let all = collector.spans().await;
    let roots = all.iter().filter(|span| span.parent.is_empty()).map(|span| span.name.as_str());
    assert_eq!(roots.collect::<BTreeSet<_>>(), [REGISTER].into());
}

/// What is called otherwise in the other deployment.
struct Names {
    is_distributed: bool,
    publish: String,
    process: String,
    messaging_system: &'static str,
    database_system: &'static str,
    /// The last part of the processing of an event.
    after_the_mail: &'static str,
}

impl Names {
    fn of(journey: &Journey) -> Self {
        let after_the_mail = "UPDATE users";
        match journey.system.deployment {
            Deployment::Distributed => {
                let exchange = journey.system.setting("rabbitmq.exchange");
                Self {
                    is_distributed: true,
                    publish: format!("publish {exchange}:user.registered"),
                    process: format!("process {exchange}.email"),
                    messaging_system: "rabbitmq",
                    database_system: "postgresql",
                    after_the_mail,
                }
            }
            Deployment::Standalone => Self {
                is_distributed: false,
                publish: "publish user.registered".into(),
                process: "process email".into(),
                messaging_system: "in_process",
                database_system: "sqlite",
                after_the_mail,
            },
        }
    }

    /// Each span with its kind, its service and its parent.
    fn tree(&self) -> BTreeSet<String> {
        let (publish, process) = (&self.publish, &self.process);
        let (api, worker) = if self.is_distributed {
            ("registration-api", "email-worker")
        } else {
            ("standalone", "standalone")
        };
        let mut tree: BTreeSet<String> = [
            format!("{api}: Server {REGISTER} in "),
            format!("{api}: Internal limit in {REGISTER}"),
            format!("{api}: Internal hash.wait in {REGISTER}"),
            format!("{api}: Internal hash in {REGISTER}"),
            format!("{api}: Client INSERT users in {REGISTER}"),
            format!("{api}: Producer {publish} in {REGISTER}"),
            format!("{worker}: Consumer {process} in {REGISTER}"),
            format!("{worker}: Client SELECT users in {process}"),
            format!("{worker}: Client SMTP in {process}"),
            format!("{worker}: Client UPDATE users in {process}"),
        ]
        .into();
        if self.is_distributed {
            tree.insert(format!("{api}: Client EVALSHA in limit"));
            tree.insert(format!("{worker}: Client EVALSHA in {process}"));
        }
        tree
    }
}

fn tree(spans: &[Span]) -> BTreeSet<String> {
    let name_of = |id: &str| {
        let parent = spans.iter().find(|span| span.id == id);
        parent.map_or_else(|| id.to_owned(), |span| span.name.clone())
    };
    let line = |span: &Span| {
        let Span { service, kind, name, parent, .. } = span;
        format!("{service}: {kind:?} {name} in {}", name_of(parent))
    };
    spans.iter().map(line).collect()
}

async fn an_activation_and_a_refused_mail_are_traced_too(journey: &Journey) {
    let collector = Collector::start(journey).await;
    journey.system.smtp.script(&[Verdict::Refuse("451 4.3.0 not now"), Verdict::Accept]);
    let (trace_id, account) = registered(journey).await;
    let names = Names::of(journey);
    let sent = eventually("both attempts", async || {
        let spans = collector.trace(&trace_id, &["SMTP", names.after_the_mail]).await;
        let sent = spans.iter().filter(|span| span.name == "SMTP").cloned();
        Some(sent.collect::<Vec<_>>()).filter(|sent| sent.len() == 2)
    })
    .await;
    let outcome =
        |span: &Span| (span.attributes["registration.smtp.reply_code"].clone(), span.has_failed);
    let outcomes: BTreeSet<_> = sent.iter().map(outcome).collect();
    assert_eq!(outcomes, [("250".to_owned(), false), ("451".to_owned(), true)].into());

    let code = journey.mailbox.first(&account.email).await.code();
    journey.api.activate(&account, &wrong(&code)).await.expect_status(400);
    let reply = journey.api.activate(&account, &code).await;
    let trace_id = reply.expect_status(200).header("x-request-id");
    let spans = collector.trace(trace_id, &[ACTIVATE, "UPDATE users", "hash"]).await;
    assert!(
        tree(&spans)
            .iter()
            .any(|line| line.ends_with(&format!("Client UPDATE users in {ACTIVATE}")))
    );
    let told = names.publish.replace("registered", "activated");
    let all = collector.trace(trace_id, &[&told]).await;
    assert!(all.iter().all(|span| !span.has_failed), "{all:#?}");
}

fn wrong(code: &str) -> String {
    if code == "0000" { "0001" } else { "0000" }.to_owned()
}

async fn the_decision_of_a_trusted_proxy_is_followed(journey: &Journey) {
    let collector = Collector::start(journey).await;
    let [unsampled, sampled] =
        ["4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"];
    for (trace_id, flags) in [(unsampled, "00"), (sampled, "01")] {
        let reply = register_with(journey, trace_id, flags).await;
        assert_eq!(reply.header("x-request-id"), trace_id);
    }
    let names = Names::of(journey);
    let spans = collector.trace(sampled, &[REGISTER, &names.publish, names.after_the_mail]).await;
    assert_eq!(find(&spans, REGISTER).parent, PROXY);
    assert_eq!(find(&spans, &names.process).parent, find(&spans, REGISTER).id);
    assert!(collector.spans().await.iter().all(|span| span.trace_id == sampled));
}

async fn a_strangers_trace_is_linked(journey: &Journey) {
    let collector = Collector::start(journey).await;
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let reply = register_with(journey, theirs, "00").await;
    let trace_id = reply.header("x-request-id");
    assert_ne!(trace_id, theirs);
    let spans = collector.trace(trace_id, &[REGISTER]).await;
    let request = find(&spans, REGISTER);
    assert_eq!((request.parent.as_str(), &request.links[..]), ("", &[theirs.to_owned()][..]));
}

async fn a_process_that_ends_sends_its_last_spans(journey: &Journey) {
    let collector = Collector::start(journey).await;
    let (trace_id, _) = registered(journey).await;
    journey.system.api().terminate().await;
    if journey.system.deployment == Deployment::Distributed {
        journey.system.worker().terminate().await;
    }
    let names = Names::of(journey);
    let mut spans = collector.spans().await;
    spans.retain(|span| span.trace_id == trace_id);
    assert_eq!(names.tree().difference(&tree(&spans)).collect::<Vec<_>>(), [""; 0]);
}

async fn a_share_of_none_sends_nothing(journey: &Journey) {
    let collector = Collector::start(journey).await;
    registered(journey).await;
    journey.system.api().terminate().await;
    if journey.system.deployment == Deployment::Distributed {
        journey.system.worker().terminate().await;
    }
    assert!(collector.bodies().await.is_empty(), "{:#?}", collector.spans().await);
}

/// Nobody listens at the endpoint.
async fn a_collector_that_is_away_costs_a_warning_and_is_counted(journey: &Journey) {
    let operator = Client::new(&journey.system.addresses.operator, Secrets::default());
    registered(journey).await;
    let lost = async || {
        let metrics = operator.get("/metrics").await.body;
        let lines = metrics.lines();
        let line = lines.filter_map(|line| line.strip_prefix("registration_spans_lost_total "));
        line.map(|count| count.parse::<u64>().unwrap()).next().unwrap()
    };
    let before = eventually("lost spans", async || Some(lost().await).filter(|lost| *lost > 0));
    let before = before.await;
    registered(journey).await;
    eventually("further lost spans", async || (lost().await > before).then_some(())).await;
    let warnings = || {
        let lines = journey.system.api().logs().lines();
        lines.into_iter().filter(|line| line.contains("traces.lost")).count()
    };
    assert_eq!(warnings(), 1, "one per outage");
    assert!(diagnosis(journey).await.starts_with("warning"), "{}", diagnosis(journey).await);
    let collector = Collector::start(journey).await;
    assert!(diagnosis(journey).await.starts_with("ok"), "{}", diagnosis(journey).await);
    let (trace_id, _) = registered(journey).await;
    collector.trace(&trace_id, &[REGISTER]).await;
    journey.system.api().logs().line_with("traces.recovered").await;
}

/// What `doctor` says of the collector.
async fn diagnosis(journey: &Journey) -> String {
    let doctor = journey.system.api().program().clone().arguments(["doctor"]);
    let report = doctor.run_to_end().await.stdout;
    let line = report.lines().find(|line| line.contains("telemetry.collector"));
    line.unwrap_or_else(|| panic!("{report}")).to_owned()
}

async fn every_line_about_a_registration_names_its_trace(journey: &Journey) {
    let account = Account::new();
    let reply = journey.api.register(&account).await;
    let (trace_id, user_id) =
        (reply.expect_status(201).header("x-request-id"), reply.text("user_id"));
    journey.mailbox.first(&account.email).await;
    journey.system.worker().logs().line_with("mail.sent").await;
    let mut events = BTreeSet::new();
    for process in [journey.system.api(), journey.system.worker()] {
        for line in process.logs().lines().iter().filter(|line| line.contains(&user_id)) {
            let line: Value = serde_json::from_str(line).unwrap();
            for word in ["request_id", "trace_id"] {
                assert_eq!(line["span"][word], trace_id, "{word} of {line}");
            }
            events.insert(line["event"].as_str().unwrap().to_owned());
        }
    }
    assert!(events.contains("user.registered") && events.contains("mail.sent"), "{events:?}");
}

/// The span of the proxy that a request comes from.
const PROXY: &str = "00f067aa0ba902b7";

async fn register_with(journey: &Journey, trace_id: &str, flags: &str) -> Reply {
    let account = Account::new();
    let body = json!({ "email": account.email, "password": account.password });
    let request = journey.api.request(Method::POST, "/api/v1/users/register").json(&body);
    let request = request.header("traceparent", format!("00-{trace_id}-{PROXY}-{flags}"));
    let reply = journey.api.send(request).await;
    reply.expect_status(201);
    journey.mailbox.first(&account.email).await;
    reply
}

/// Registers an account, waits for its mail, and returns the trace.
async fn registered(journey: &Journey) -> (String, Account) {
    let account = Account::new();
    let reply = journey.api.register(&account).await;
    let trace_id = reply.expect_status(201).header("x-request-id").to_owned();
    journey.mailbox.first(&account.email).await;
    (trace_id, account)
}

fn find<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:#?}"))
}
