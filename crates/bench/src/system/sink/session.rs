//! One SMTP connection (RFC 5321), as far as a client needs it that does nothing unusual.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::mails::Mails;

/// No mail of ours comes near it; bounds what a broken client can make us keep.
const LONGEST_MAIL: usize = 1 << 20;
const END: &[u8] = b"\r\n.\r\n";

pub(super) async fn serve(stream: TcpStream, mails: &Mails) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    let mut recipient = None;
    stream.write_all(b"220 sink\r\n").await?;
    loop {
        line.clear();
        if (&mut stream).take(1024).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match line.get(..4).map(<[u8]>::to_ascii_uppercase).as_deref() {
            Some(b"EHLO") => b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            Some(b"RCPT") => {
                recipient = recipient_of(&line);
                b"250 ok\r\n"
            }
            Some(b"DATA") => {
                stream.write_all(b"354 go on\r\n").await?;
                let content = read_content(&mut stream).await?;
                think(mails).await;
                if let Some(recipient) = recipient.take() {
                    mails.add(recipient, code_in(&content));
                }
                b"250 accepted\r\n"
            }
            Some(b"QUIT") => return stream.write_all(b"221 bye\r\n").await,
            Some(b"HELO" | b"MAIL" | b"RSET" | b"NOOP") => b"250 ok\r\n",
            _ => b"500 not known\r\n",
        };
        stream.write_all(reply).await?;
    }
}

async fn think(mails: &Mails) {
    let delay = mails.delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

async fn read_content(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(4096);
    while !content.ends_with(END) {
        if content.len() > LONGEST_MAIL || stream.read_until(b'\n', &mut content).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(content)
}

/// The number in `RCPT TO:<u42@bench.example>`.
fn recipient_of(line: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?;
    let (_, address) = line.split_once("<u")?;
    address.split_once('@')?.0.parse().ok()
}

/// The line that has nothing but the code.
fn code_in(content: &[u8]) -> Option<u32> {
    let lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut codes = lines.filter(|line| line.len() == 4 && line.iter().all(u8::is_ascii_digit));
    std::str::from_utf8(codes.next()?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipient_is_its_number() {
        assert_eq!(recipient_of(b"RCPT TO:<u42@bench.example>\r\n"), Some(42));
        assert_eq!(recipient_of(b"RCPT TO:<ada@bench.example>\r\n"), None);
    }

    #[test]
    fn the_code_is_alone_in_its_line() {
        assert_eq!(code_in(b"Date: 2026\r\n\r\nYour code:\r\n\r\n0815\r\n.\r\n"), Some(815));
        assert_eq!(code_in(b"1234 5678\r\n12345\r\n"), None);
    }

    #[tokio::test]
    async fn a_mail_is_recorded_when_it_is_accepted() {
        let sink = super::super::Sink::start().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", sink.port)).await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut replies = Vec::new();
        let session = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<u7@bench.example>\r\nDATA\r\nSubject: x\r\n\
                       \r\n4711\r\n.\r\nQUIT\r\n";
        stream.write_all(session.as_bytes()).await.unwrap();
        stream.read_to_end(&mut replies).await.unwrap();
        assert!(replies.ends_with(b"354 go on\r\n250 accepted\r\n221 bye\r\n"));
        let mail = sink.mail(7).unwrap();
        assert_eq!((mail.code, mail.deliveries, sink.recipients()), (Some(4711), 1, 1));
    }
}
