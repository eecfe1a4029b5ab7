//! HTTP as no library would send it: half, broken, or as slowly as an attacker likes.

use std::time::Duration;

use test_support::WAIT_TIMEOUT;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// A connection to a server, over which a test sends whatever bytes it likes.
pub struct RawConnection {
    stream: TcpStream,
    opened: Instant,
}

impl RawConnection {
    /// Connects to the server with this base URL.
    pub async fn open(base: &str) -> Self {
        let address = base.trim_start_matches("http://");
        Self { stream: TcpStream::connect(address).await.unwrap(), opened: Instant::now() }
    }

    /// How long ago it was opened.
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Writes all of it.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// What comes until the server closes the connection, which it must do.
    pub async fn read_to_close(&mut self) -> String {
        let mut answer = Vec::new();
        let closed = timeout(WAIT_TIMEOUT, self.stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        // A reset is a way to close, too.
        assert!(closed.is_ok(), "the connection is kept open after {answer:?}");
        answer
    }

    /// Waits for the first bytes of an answer, which must come.
    pub async fn answer(&mut self) -> String {
        self.answer_within(WAIT_TIMEOUT).await.expect("an answer")
    }

    /// Waits this long for the first bytes of an answer.
    pub async fn answer_within(&mut self, limit: Duration) -> Option<String> {
        let mut buffer = vec![0; 16 * 1024];
        let read = timeout(limit, self.stream.read(&mut buffer)).await.ok()?;
        Some(String::from_utf8_lossy(&buffer[..read.unwrap_or(0)]).into_owned())
    }

    /// Sends one byte after the other with a pause before each, until the server closes the
    /// connection. Returns its answer.
    pub async fn drip(mut self, bytes: &[u8], pause: Duration) -> String {
        let mut answer = Vec::new();
        for byte in bytes.iter().cycle() {
            let mut buffer = [0; 4096];
            match timeout(pause, self.stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(read)) => answer.extend_from_slice(&buffer[..read]),
                Err(_) if self.stream.write_all(&[*byte]).await.is_err() => break,
                Err(_) => {}
            }
            assert!(self.age() < WAIT_TIMEOUT, "a client may drip forever; it read {answer:?}");
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}
