//! When a server is ready: when it answers the first message of its own protocol as it should.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Greeting, Server, ServerError};
use crate::process::{Interrupt, POLL};

/// How long a server may take; RabbitMQ needs 5 to 30 s, depending on what else the machine does.
const DEADLINE: Duration = Duration::from_mins(2);
/// How long it may take to answer one greeting.
const ANSWER: Duration = Duration::from_secs(2);

/// Waits until the server answers.
pub(super) fn wait(
    name: &'static str,
    server: &mut Server,
    interrupt: &Interrupt,
) -> Result<(), ServerError> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        interrupt.check()?;
        server.check(name)?;
        let problem = match greet(server.port, &server.greeting) {
            Ok(true) => return Ok(()),
            Ok(false) => "refuses to serve".to_owned(),
            Err(error) => format!("does not answer ({error})"),
        };
        if Instant::now() > deadline {
            return Err(server.failure(name, format!("{problem} after {DEADLINE:?}")));
        }
        thread::sleep(POLL);
    }
}

fn greet(port: u16, greeting: &Greeting) -> io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(&greeting.send)?;
    let mut first = [0];
    stream.read_exact(&mut first)?;
    Ok(first[0] == greeting.answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

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
            assert_eq!(greet(port, &greeting).unwrap(), ready);
            server.join().unwrap();
        }
    }
}
