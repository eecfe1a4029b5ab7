//! A TCP proxy between a service and a server it needs, which can be cut and restored.

use reqwest::Url;
use tokio::net::TcpStream;

use crate::port::Port;

/// Stands in front of one server.
pub struct Proxy {
    port: Port,
    url: Url,
}

impl Proxy {
    /// Forwards to the host and port of `upstream`.
    pub async fn before(upstream: &Url) -> Self {
        let target = (
            upstream.host_str().expect("a host in the URL").to_owned(),
            upstream.port().expect("a port in the URL"),
        );
        let port = Port::serve(move |client| forward(client, target.clone())).await;
        let mut url = upstream.clone();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port.number())).unwrap();
        Self { port, url }
    }

    /// The upstream's URL, led through the proxy.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The server is gone: connections break, new ones are refused.
    pub async fn cut(&self) {
        self.port.cut().await;
    }

    /// The server is back.
    pub async fn restore(&self) {
        self.port.restore().await;
    }
}

async fn forward(mut client: TcpStream, target: (String, u16)) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    // An error here is a connection that one side broke, which is what the other side is to notice.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}
