//! Who may sign up: domains, and a hook of the operator.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;

use acceptance::{Account, Journey, Setup, journeys};

journeys!(both {
    domains_decide_who_may_sign_up:
        Setup::own().with("registration.denied_domains", "denied.example"), [];
    a_hook_decides_who_may_sign_up:
        Setup::own().with("registration.hook_url", &HOOK), ["POST /api/v1/users/register 403"];
});

/// A hook that refuses the addresses of one domain. It ends with the tests.
static HOOK: LazyLock<String> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| decide(&stream)));
    url
});

/// Answers one request; the connection ends with it.
fn decide(mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let allow = !String::from_utf8_lossy(&body).contains("@refused.example");
    let answer = format!("{{\"allow\":{allow}}}");
    let length = answer.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{answer}"
    )
    .unwrap();
}

fn at(domain: &str) -> Account {
    let account = Account::new();
    let name = account.email.split('@').next().unwrap();
    Account { email: format!("{name}@{domain}"), ..account }
}

async fn domains_decide_who_may_sign_up(journey: &Journey) {
    for domain in ["denied.example", "mail.denied.example"] {
        journey.api.register(&at(domain)).await.expect_invalid("/email");
    }
    journey.api.register(&at("anything-else.example")).await.expect_status(201);
}

async fn a_hook_decides_who_may_sign_up(journey: &Journey) {
    let refused = journey.api.register(&at("refused.example")).await;
    refused.expect_problem(403, "registration-refused");
    journey.api.register(&at("allowed.example")).await.expect_status(201);
}
