//! One HTTP request (RFC 9112), read as far as a receiver of webhooks needs it.

use std::collections::BTreeMap;
use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufStream};
use tokio::net::TcpStream;

/// The headers, by their names in small letters, and the body.
pub(super) struct Request {
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The next request of a connection. An error if there is none, or not all of it.
    pub(super) async fn read(stream: &mut BufStream<TcpStream>) -> io::Result<Self> {
        line(stream).await?;
        let mut request = Self { headers: BTreeMap::new(), body: Vec::new() };
        while let Some((name, value)) = line(stream).await?.split_once(':') {
            request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(length, 0);
        stream.read_exact(&mut request.body).await?;
        Ok(request)
    }

    /// The value of a header, empty where it is missing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

async fn line(stream: &mut BufStream<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}
