//! When a server is ready: when it answers the first message of its own protocol as it should.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a server may take to answer one greeting.
const ANSWER: Duration = Duration::from_secs(2);

/// What to say to a server, and the first byte of what it says when it is ready.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) send: Vec<u8>,
    pub(crate) answer: u8,
}

impl Greeting {
    /// Whether the server on this port answers as expected; an error if it does not answer.
    pub(crate) fn is_answered(&self, port: u16) -> io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(&self.send)?;
        let mut first = [0];
        stream.read_exact(&mut first)?;
        Ok(first[0] == self.answer)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_server_is_ready_when_its_answer_begins_as_expected() {
        for (says, ready) in [(b"+PONG\r\n", true), (b"-LOAD\r\n", false)] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut [0; 6]).unwrap();
                stream.write_all(says).unwrap();
            });
            let greeting = Greeting { send: b"PING\r\n".to_vec(), answer: b'+' };
            assert_eq!(greeting.is_answered(port).unwrap(), ready);
            server.join().unwrap();
        }
    }
}
