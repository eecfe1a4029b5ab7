//! One kept connection of HTTP/1.1 (RFC 9112), as far as this API needs it: each answer states its
//! length.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection, made at the first request and again whenever the server has closed it.
#[derive(Debug)]
pub struct Connection {
    port: u16,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What is read of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Of head and body together.
    length: usize,
    closes: bool,
}

impl Connection {
    /// To this port of the loopback address.
    pub fn new(port: u16) -> Self {
        Self { port, stream: None, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request and waits for the whole answer; the result is its status.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.port).await?,
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
        };
        while self.buffer.len() < head.length {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(head.status)
    }
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// None while the head is not complete.
fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
        return Ok(None);
    };
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| malformed())?;
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let field = |name: &str| {
        let mut fields = text.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let body = field("content-length").map_or(Ok(0), str::parse::<usize>);
    Ok(Some(Head {
        status: status.ok_or_else(malformed)?,
        length: end + END.len() + body.map_err(|_| malformed())?,
        closes: field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_length_are_read_from_a_whole_head() {
        let head = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        let whole = Head { status: 201, length: head.len(), closes: false };
        assert_eq!(parse_head(head).unwrap(), Some(whole));
        assert_eq!(parse_head(&head[..30]).unwrap(), None);
        let closed = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n";
        let head = parse_head(closed).unwrap().unwrap();
        assert!(head.closes && head.length == closed.len());
        parse_head(b"nonsense\r\n\r\n").unwrap_err();
    }

    #[tokio::test]
    async fn a_connection_is_kept_until_the_server_closes_it() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut connection = Connection::new(listener.local_addr().unwrap().port());
        let server = tokio::spawn(async move {
            for answers in [2, 1] {
                let (mut stream, _) = listener.accept().await.unwrap();
                for number in (0..answers).rev() {
                    let mut request = [0; 4];
                    stream.read_exact(&mut request).await.unwrap();
                    let closes = if number == 0 { "Connection: close\r\n" } else { "" };
                    let answer = format!("HTTP/1.1 204 No Content\r\n{closes}\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        for _ in 0..3 {
            assert_eq!(connection.send(b"GET\n").await.unwrap(), 204);
        }
        server.await.unwrap();
    }
}
