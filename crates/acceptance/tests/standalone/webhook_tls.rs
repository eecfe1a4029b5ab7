//! A webhook's receiver with a certificate from an authority of the product's own.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::{Arc, Mutex};

use acceptance::{Account, Standalone, StandaloneCommand};
use test_support::{Authority, Identity, Proxy, eventually, install_crypto_provider};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver behind TLS, whose certificate can be changed.
struct Receiver {
    server: MockServer,
    tls: Proxy,
    identity: Arc<Mutex<Identity>>,
}

impl Receiver {
    async fn start(identity: Identity) -> Self {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
        let identity = Arc::new(Mutex::new(identity));
        let current = identity.clone();
        let accept = move |client| current.lock().unwrap().acceptor().accept(client);
        let tls = Proxy::start_with(server.address().to_string(), accept).await;
        Self { server, tls, identity }
    }

    /// Certifies itself like this, and waits for the next attempt to reach it.
    async fn certify(&self, identity: Identity) {
        *self.identity.lock().unwrap() = identity;
        self.tls.wait_for_accepted(self.tls.accepted() + 1).await;
    }

    async fn requests(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

/// An account that is active, of which the product is to be told.
async fn activate(standalone: &Standalone) {
    let account = Account::new();
    standalone.client().register(&account).await.expect_status(201);
    let code = standalone.mailbox().first(&account.email).await.code();
    standalone.client().activate(&account, &code).await.expect_status(200);
}

async fn wait_for_webhook(standalone: &Standalone, status: &str) {
    eventually(&format!("the webhook to be {status}"), async || {
        let report = standalone.client().get("/health/ready").await.json();
        (report["dependencies"]["webhook"]["status"] == status).then_some(())
    })
    .await;
}

#[tokio::test]
async fn asvs_12_3_2_only_the_receiver_with_the_right_certificate_is_told() {
    install_crypto_provider();
    let data = tempfile::tempdir().unwrap();
    let (own, other) = (Authority::new(), Authority::new());
    let roots = data.path().join("authority.pem");
    std::fs::write(&roots, own.certificate_pem()).unwrap();
    let receiver = Receiver::start(other.issue("localhost")).await;
    let start = StandaloneCommand::on(&data.path().join("data"))
        .variable("SSL_CERT_FILE", &roots.display().to_string())
        .with("webhooks.url", &format!("https://localhost:{}/hooks", receiver.tls.port()))
        .with("webhooks.secret", SECRET)
        .with("webhooks.allow_private_addresses", "true");
    let standalone = start.start().await;
    activate(&standalone).await;
    let problem = standalone.process.stderr.line_with("bus.down").await;
    assert!(problem.contains("webhook") && problem.contains("certificate"), "{problem}");
    for wrong in [other.issue("localhost"), own.issue("product.example")] {
        receiver.certify(wrong).await;
        wait_for_webhook(&standalone, "down").await;
    }
    assert_eq!(
        receiver.requests().await,
        0,
        "nothing is sent over a connection that is not trusted"
    );
    receiver.certify(own.issue("localhost")).await;
    wait_for_webhook(&standalone, "up").await;
    assert_eq!(receiver.requests().await, 1);
}
