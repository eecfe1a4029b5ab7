//! The page and the API over HTTP, on one thread.
//!
//! Any website that a developer visits can send requests to the loopback interface. So other
//! origins cannot read the responses, host names that nobody has allowed are refused (DNS
//! rebinding), and deleting takes a method that browsers send to other origins only after a
//! preflight.

mod api;
mod events;
mod page;
mod route;
mod view;

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::HOST;
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::{App, HttpResponse, HttpServer, web};
use tokio::sync::watch;

use crate::mailbox::Mailbox;
use events::Stopping;
pub(crate) use page::Page;

/// The wait before a page that failed is started again.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Names under which the inbox can be opened, besides those that no DNS server can forge.
#[derive(Debug, Clone)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    fn include(&self, host: &str) -> bool {
        is_local_name(host) || self.0.contains(&name_of(host).to_ascii_lowercase())
    }
}

/// What the server needs, again after a panic too.
pub(crate) struct Site {
    pub(crate) listener: TcpListener,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) page: Page,
    pub(crate) hosts: Hosts,
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Site {
    /// Whether the inbox stops, or was dropped.
    fn is_stopping(&self) -> bool {
        *self.stopping.borrow() || self.stopping.has_changed().is_err()
    }
}

fn build_server(site: &Site) -> std::io::Result<Server> {
    let mailbox = web::Data::from(site.mailbox.clone());
    let page = web::Data::new(site.page.clone());
    let stopping = web::Data::new(Stopping(site.stopping.clone()));
    let hosts = web::Data::new(site.hosts.clone());
    let started = web::Data::new(api::Started(tokio::time::Instant::now()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(mailbox.clone())
            .app_data(page.clone())
            .app_data(stopping.clone())
            .app_data(started.clone())
            .app_data(hosts.clone())
            .wrap(security_headers())
            .wrap(from_fn(refuse_unknown_hosts))
            .configure(api::add_routes)
            .configure(view::add_routes)
            .configure(events::add_routes)
            .configure(page::add_routes)
    });
    Ok(server
        .workers(1)
        .disable_signals()
        .shutdown_timeout(2)
        .listen(site.listener.try_clone()?)?
        .run())
}

/// Serves until `stopping` changes.
pub(crate) async fn serve(site: Arc<Site>) {
    while let Err(error) = serve_once(&site).await {
        tracing::error!(event = "inbox.page_failed", %error, "the inbox's page failed and is started again");
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

async fn serve_once(site: &Site) -> std::io::Result<()> {
    let server = build_server(site)?;
    let handle = server.handle();
    tracing::debug!(event = "inbox.page_listening", "the inbox's page is listening");
    let mut stopping = site.stopping.clone();
    let stop = async {
        // An error means that the inbox was dropped, which stops it too.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        handle.stop(true).await;
    };
    tokio::select! {
        ended = server => match ended {
            Ok(()) if !site.is_stopping() => Err(std::io::Error::other("the server ended by itself")),
            ended => ended,
        },
        () = stop => Ok(()),
    }
}

fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Content-Security-Policy", page::POLICY))
        .add(("Cross-Origin-Resource-Policy", "same-origin"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Cache-Control", "no-store"))
}

async fn refuse_unknown_hosts(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    // Only the Host header counts: a page served under a forged name can set X-Forwarded-Host
    // itself.
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let hosts = request.app_data::<web::Data<Hosts>>();
    if host.is_some_and(|host| hosts.is_some_and(|hosts| hosts.include(host))) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let refusal = HttpResponse::MisdirectedRequest()
        .body("open the inbox as localhost or by its IP address, or add this name to standalone.inbox_hosts");
    Ok(request.into_response(refusal))
}

/// Whether a Host header names this machine in a way that no DNS server can forge.
fn is_local_name(host: &str) -> bool {
    let name = name_of(host);
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    let name = name.to_ascii_lowercase();
    address.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

/// A Host header without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::is_local_name;

    #[test]
    fn only_names_that_cannot_be_forged_are_local() {
        for host in [
            "localhost",
            "LOCALHOST:8025",
            "inbox.localhost:1",
            "127.0.0.1:8025",
            "[::1]:8025",
            "[::1]",
        ] {
            assert!(is_local_name(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example:8025", "127.0.0.1.nip.io", "127.0.0.1:x"]
        {
            assert!(!is_local_name(host), "{host}");
        }
    }
}
