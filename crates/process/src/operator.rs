//! What the operator asks a process: its metrics and its health, on a listener of their own that is
//! not for the public (OWASP ASVS 13.4.5), and the question a container's health check puts.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::health::Health;

/// Serves `GET /metrics`, `GET /health/live` and `GET /health/ready` in the background until `shutdown` is
/// cancelled.
pub(crate) fn start(
    address: SocketAddr,
    metrics: PrometheusHandle,
    health: Health,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(metrics.clone()))
            .app_data(web::Data::new(health.clone()))
            .route("/metrics", web::get().to(render_metrics))
            .route("/health/live", web::get().to(HttpResponse::Ok))
            .route("/health/ready", web::get().to(ready))
    })
    .workers(1)
    .disable_signals()
    .bind(address)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    tokio::spawn(async move {
        shutdown.cancelled().await;
        handle.stop(true).await;
    });
    tracing::info!(event = "listening", %address, "metrics and health are listening");
    Ok(())
}

async fn render_metrics(metrics: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(metrics.render())
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    let report = health.readiness().await;
    HttpResponse::build(report.status.http_status()).json(report)
}

/// Asks the process that listens on `address` for `/health/ready`, as a container's health check does.
/// `Ok(true)` where it answers 200. Waits at most five seconds to connect, and five for each part of the answer.
pub fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    const TIMEOUT: Duration = Duration::from_secs(5);
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status_line = [0; 12];
    stream.read_exact(&mut status_line)?;
    Ok(status_line.ends_with(b" 200"))
}
