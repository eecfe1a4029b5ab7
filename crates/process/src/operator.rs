//! What the operator asks a process: its metrics and its health, on a listener of their own that is
//! not for the public (OWASP ASVS 13.4.5), and the question a container's health check puts.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, Route, guard, web};
use metrics_exporter_prometheus::PrometheusHandle;
use supervisor::supervise;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::Collector;

/// The wait before a listener that ended by itself is started again.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// How long the end of the process waits for the operator's last requests, in seconds.
const END_TIMEOUT_SECONDS: u64 = 1;

/// What knows the answers.
#[derive(Clone)]
struct Asked {
    metrics: PrometheusHandle,
    collector: Arc<Collector>,
    health: Health,
}

/// The listener, served in the background until it is ended.
pub(crate) struct OperatorListener {
    end: CancellationToken,
    task: JoinHandle<()>,
}

impl OperatorListener {
    /// Serves `GET /metrics`, `GET /health/live` and `GET /health/ready`.
    pub(crate) fn start(
        address: SocketAddr,
        metrics: PrometheusHandle,
        collector: Collector,
        health: Health,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let end = CancellationToken::new();
        let ended = end.clone();
        let asked = Asked { metrics, collector: Arc::new(collector), health };
        let task = supervise("operator-listener", move || {
            serve(listener.try_clone(), asked.clone(), ended.clone())
        });
        tracing::info!(event = "operator.listening", %address, "metrics and health are listening");
        Ok(Self { end, task })
    }

    /// Answers open requests, for a second at most, and closes.
    pub(crate) async fn end(self) {
        self.end.cancel();
        let timeout = Duration::from_secs(END_TIMEOUT_SECONDS) + RESTART_DELAY;
        // A listener that does not end in time ends with the process.
        let _ = tokio::time::timeout(timeout, self.task).await;
    }
}

async fn serve(listener: std::io::Result<TcpListener>, asked: Asked, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let listener =
            listener.as_ref().map_err(|error| error.kind().into()).and_then(TcpListener::try_clone);
        if let Err(error) = serve_once(listener, asked.clone(), &shutdown).await {
            tracing::error!(event = "operator.failed", %error, "the operator's listener failed and is started again");
            tokio::time::sleep(RESTART_DELAY).await;
        }
    }
}

async fn serve_once(
    listener: std::io::Result<TcpListener>,
    asked: Asked,
    shutdown: &CancellationToken,
) -> std::io::Result<()> {
    let app = move || {
        App::new()
            .app_data(web::Data::new(asked.clone()))
            .route("/metrics", get_or_head().to(render_metrics))
            .route("/health/live", get_or_head().to(HttpResponse::Ok))
            .route("/health/ready", get_or_head().to(ready))
    };
    let server =
        HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(END_TIMEOUT_SECONDS);
    let server = server.listen(listener?)?.run();
    let handle = server.handle();
    let stop = async {
        shutdown.cancelled().await;
        handle.stop(true).await;
    };
    tokio::select! {
        ended = server => match ended {
            Ok(()) if !shutdown.is_cancelled() => Err(std::io::Error::other("the server ended by itself")),
            ended => ended,
        },
        () = stop => Ok(()),
    }
}

/// HEAD is answered wherever GET is (RFC 9110 section 9.1); the server leaves the body out.
fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn render_metrics(asked: web::Data<Asked>) -> HttpResponse {
    asked.collector.collect().await;
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(asked.metrics.render())
}

async fn ready(asked: web::Data<Asked>) -> HttpResponse {
    let report = asked.health.readiness().await;
    HttpResponse::build(report.status.http_status()).json(report)
}

/// Asks the process that listens on `address` for `/health/ready`, as a container's health check
/// does. `Ok(true)` where it answers 200. Waits at most five seconds to connect, and five for each
/// part of the answer.
pub fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    const TIMEOUT: Duration = Duration::from_secs(5);
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream
        .write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status_line = [0; 12];
    stream.read_exact(&mut status_line)?;
    Ok(status_line.ends_with(b" 200"))
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use test_support::free_port;

    use super::*;

    /// The head of the answer, and its body.
    fn ask(address: SocketAddr, method: &str, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rfc_9110_head_tells_what_get_would() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let health = Health::new(Vec::new(), CancellationToken::new());
        let listener = OperatorListener::start(address, metrics, Collector::new(), health).unwrap();
        for path in ["/metrics", "/health/live", "/health/ready"] {
            let (get, _) = ask(address, "GET", path);
            let (head, body) = ask(address, "HEAD", path);
            assert!(get.starts_with("HTTP/1.1 200") && head.starts_with("HTTP/1.1 200"), "{head}");
            assert_eq!(body, "", "{path}");
        }
        listener.end().await;
    }
}
