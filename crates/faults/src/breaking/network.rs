//! Connections that break, crawl or lead nowhere.

use std::time::{Duration, Instant};

use test_support::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::effect::Effect;
use crate::schedule::{Network, Part};
use crate::system::System;

/// By how much everything is late.
const DELAY: Duration = Duration::from_millis(300);

/// The pause before each byte.
const PAUSE: Duration = Duration::from_millis(20);

/// How long nothing must come through a black hole to be believed.
const SILENCE: Duration = Duration::from_millis(500);

impl System {
    pub(super) fn proxy(&self, part: Part) -> &Proxy {
        match part {
            Part::Smtp => &self.smtp,
            Part::Receiver => &self.webhook,
            Part::Api(index) => &self.gates[index],
            Part::Standalone => &self.gates[0],
            part => self.servers().proxy(part),
        }
    }

    /// Lets everything pass again. What a black hole has left of connections stays open in front of
    /// a server, which the product has to find out; clients need not be so patient.
    pub(super) async fn undisturb(&self, part: Part) {
        let proxy = self.proxy(part);
        if matches!(part, Part::Api(_) | Part::Standalone) {
            proxy.cut().await;
        }
        proxy.restore().await;
    }

    pub(super) async fn disturb(&self, part: Part, network: Network) -> Effect {
        let proxy = self.proxy(part);
        match network {
            Network::Cut => proxy.cut().await,
            Network::Delayed => proxy.delay(DELAY),
            Network::BlackHole => proxy.stall(),
            Network::Trickle => proxy.trickle(PAUSE),
        }
        let probe = probe(proxy, part).await;
        match (network, &probe) {
            (Network::Cut, Probe::Refused) | (Network::BlackHole, Probe::Silent) => {
                Ok(format!("{probe:?}"))
            }
            (Network::Delayed, Probe::Answered(after)) if *after >= DELAY => {
                Ok(format!("{probe:?}"))
            }
            (Network::Trickle, Probe::Answered(after)) if *after >= PAUSE => {
                Ok(format!("{probe:?}"))
            }
            // The server itself is out of order, too.
            (Network::Delayed | Network::Trickle, Probe::Silent) => Ok(format!("{probe:?}")),
            _ => Err(format!("a connection was {probe:?}")),
        }
    }
}

/// What a new connection is like.
#[derive(Debug)]
enum Probe {
    Refused,
    Silent,
    Answered(Duration),
}

/// Connects, says what a client of this server says first, and waits for the first byte.
async fn probe(proxy: &Proxy, part: Part) -> Probe {
    let Ok(mut stream) = TcpStream::connect(proxy.address()).await else { return Probe::Refused };
    let hello: &[u8] = match part {
        // A request for TLS, which is answered with one byte.
        Part::Postgres => &[0, 0, 0, 8, 4, 210, 22, 47],
        Part::Redis => b"PING\r\n",
        Part::Rabbitmq => b"AMQP\x00\x00\x09\x01",
        Part::Api(_) | Part::Standalone => b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n",
        // With the identifier of a probe, so that it is no evidence.
        Part::Receiver => b"POST / HTTP/1.0\r\nWebhook-Id: probe\r\n\r\n",
        _ => b"",
    };
    let started = Instant::now();
    let talk = async {
        stream.write_all(hello).await?;
        stream.read_u8().await
    };
    match timeout(2 * SILENCE, talk).await {
        Ok(Ok(_)) => Probe::Answered(started.elapsed()),
        Ok(Err(_)) => Probe::Refused,
        Err(_) => Probe::Silent,
    }
}
