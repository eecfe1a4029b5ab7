//! What a client sees of a server that misbehaves.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::yield_now;

use super::{Act, Running, Server};

/// The moments of one mail, and what a client says at each. The connection comes first.
const PHASES: [(&str, &str); 6] = [
    ("CONNECT", ""),
    ("EHLO", "EHLO client\r\n"),
    ("MAIL", "MAIL FROM:<from@example.org>\r\n"),
    ("RCPT", "RCPT TO:<to@example.org>\r\n"),
    ("DATA", "DATA\r\n"),
    ("CONTENT", "Subject: hello\r\n\r\n..\r\n.\r\n"),
];

/// Sends a mail. Returns the last reply that came, and the phase in which none came any more.
async fn send(server: &Running) -> (String, Option<&'static str>) {
    let mut stream = BufReader::new(TcpStream::connect(server.address()).await.unwrap());
    let mut last = String::new();
    for (phase, command) in PHASES {
        stream.write_all(command.as_bytes()).await.unwrap();
        loop {
            let mut line = String::new();
            let hangs = server.hangs();
            tokio::select! {
                read = stream.read_line(&mut line) => {
                    if read.unwrap_or_default() == 0 {
                        return (last, Some(phase));
                    }
                }
                () = until(|| server.hangs() > hangs) => return (last, Some(phase)),
            }
            let is_last = line.as_bytes().get(3) == Some(&b' ');
            line.trim_end().clone_into(&mut last);
            if is_last {
                break;
            }
        }
        if last.starts_with(['4', '5']) {
            return (last, Some(phase));
        }
    }
    (last, None)
}

async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        yield_now().await;
    }
}

/// A server that behaves as the returned cell says, from then on.
async fn switchable() -> (Running, Arc<Mutex<(&'static str, Act)>>) {
    let behaviour = Arc::new(Mutex::new(("", Act::Normal)));
    let script = behaviour.clone();
    let server = Server::new(move |when| {
        let (moment, act) = &*script.lock().unwrap();
        if when.moment == *moment { act.clone() } else { Act::Normal }
    });
    (server.start().await, behaviour)
}

#[tokio::test]
async fn an_accepted_mail_is_kept_with_its_envelope_and_time() {
    let server = Server::well_behaved().start().await;
    let before = Instant::now();
    assert_eq!(send(&server).await, ("250 2.0.0 accepted".to_owned(), None));
    let [mail] = &server.received()[..] else { panic!("one mail") };
    assert_eq!(
        (mail.from.as_str(), &mail.to[..]),
        ("from@example.org", &["to@example.org".to_owned()][..])
    );
    assert_eq!(mail.content, "Subject: hello\r\n\r\n.\r\n");
    assert!(mail.is_told && (before..=Instant::now()).contains(&mail.at));
}

#[tokio::test]
async fn a_server_hangs_in_each_phase_until_it_is_told_to_behave() {
    let (server, behaviour) = switchable().await;
    for (phase, _) in PHASES {
        *behaviour.lock().unwrap() = (phase, Act::Hang);
        assert_eq!(send(&server).await.1, Some(phase));
        assert!(server.received().is_empty(), "{phase}");
    }
    assert_eq!(server.hangs(), PHASES.len());
    *behaviour.lock().unwrap() = ("", Act::Normal);
    assert_eq!(send(&server).await.1, None);
}

#[tokio::test]
async fn a_refused_mail_is_not_kept() {
    let (server, behaviour) = switchable().await;
    for (phase, _) in PHASES {
        let (busy, later) = ("421 4.3.2 not now".to_owned(), "451 4.3.0 later".to_owned());
        for act in [Act::ReplyAndDrop(busy), Act::Reply(later)] {
            *behaviour.lock().unwrap() = (phase, act.clone());
            let (reply, refused) = send(&server).await;
            assert!(matches!(&act, Act::Reply(said) | Act::ReplyAndDrop(said) if *said == reply));
            assert_eq!(refused, Some(phase));
        }
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_mail_can_be_accepted_without_a_word_about_it() {
    let (server, behaviour) = switchable().await;
    for (count, act) in [(1, Act::AcceptAndHang), (2, Act::AcceptAndDrop)] {
        *behaviour.lock().unwrap() = ("CONTENT", act);
        assert_eq!(send(&server).await.1, Some("CONTENT"));
        let received = server.received_after(count - 1).await;
        assert_eq!(received.iter().map(|mail| mail.is_told).collect::<Vec<_>>(), [false]);
    }
}

#[tokio::test]
async fn a_connection_that_ends_after_data_leaves_no_mail() {
    let (server, behaviour) = switchable().await;
    *behaviour.lock().unwrap() = ("DATA", Act::Drop);
    let (reply, ended) = send(&server).await;
    assert_eq!((reply.as_str(), ended), ("250 2.1.5 ok", Some("DATA")));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_greylisted_mail_is_accepted_at_the_second_attempt() {
    let seen = Mutex::new(Vec::new());
    let server = Server::new(move |when| match (when.moment, when.recipient) {
        ("RCPT", Some(recipient)) => {
            let mut seen = seen.lock().unwrap();
            if seen.iter().any(|known| known == recipient) {
                return Act::Normal;
            }
            seen.push(recipient.to_owned());
            Act::Reply("451 4.7.1 greylisted".to_owned())
        }
        _ => Act::Normal,
    });
    let server = server.start().await;
    assert_eq!(send(&server).await, ("451 4.7.1 greylisted".to_owned(), Some("RCPT")));
    assert_eq!(send(&server).await.1, None);
    assert_eq!(server.received().len(), 1);
}
