//! Requests that no well-meaning client sends: the answer is clear, no 500 and without secrets, and
//! nothing is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use acceptance::{Account, Journey, Reply, Setup, journeys};

const REGISTER: &str = "/api/v1/users/register";
const ACTIVATE: &str = "/api/v1/users/activate";
const RESEND: &str = "/api/v1/users/resend-code";

journeys!(both {
    broken_bodies_are_refused: Setup::ordinary(), [];
    fields_of_wrong_types_are_refused: Setup::ordinary(), [];
    asvs_1_3_11_addresses_that_could_do_harm_are_refused: Setup::ordinary(), [];
    passwords_that_cannot_be_used_are_refused: Setup::ordinary(), [];
    rfc_7617_broken_credentials_are_challenged: Setup::ordinary(), [];
    asvs_4_2_1_ambiguous_requests_are_refused: Setup::own(), [];
});

/// A refusal is a problem document with a 4xx status.
#[track_caller]
fn assert_refused(reply: &Reply, what: &str) {
    assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
    reply.expect_problem(reply.status, &reply.text("code"));
}

async fn broken_bodies_are_refused(journey: &Journey) {
    let account = Account::new();
    let (email, password) = (&account.email, &account.password);
    let bodies: [Vec<u8>; 9] = [
        vec![0xff, 0xfe, 0x00],
        [
            format!("{{\"email\":\"{email}\",\"password\":\"").as_bytes(),
            &[0xc3, 0x28],
            b"longenough\"}",
        ]
        .concat(),
        format!("{{\"email\":\"{email}\",\"password\":\"\\ud800 {password}\"}}").into_bytes(),
        format!("{{\"email\":\"{email}\\udc00\",\"password\":\"{password}\"}}").into_bytes(),
        format!("{{\"email\":\"{email}\",\"password\":\"{password}\n\"}}").into_bytes(),
        format!("{{\"email\":\"{email}\",\"password\":\"{password}\"").into_bytes(),
        "[".repeat(16_000).into_bytes(),
        format!("{{\"email\":{}", "{\"a\":".repeat(3_000)).into_bytes(),
        format!("{{'email':'{email}','password':'{password}'}}").into_bytes(),
    ];
    for body in bodies {
        let what = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let reply = journey.api.send(journey.api.post(REGISTER, body)).await;
        assert_refused(&reply, &what);
        assert_eq!(reply.status, 400, "{what}: {reply:?}");
        assert!(!reply.body.contains(password.as_str()), "echoed: {reply:?}");
    }
    journey.api.register(&account).await.expect_status(201);
}

async fn fields_of_wrong_types_are_refused(journey: &Journey) {
    let account = Account::new();
    let (email, password) = (&account.email, &account.password);
    let bodies = [
        Value::Null,
        json!([]),
        json!("text"),
        json!(7),
        json!({}),
        json!({ "email": email }),
        json!({ "password": password }),
        json!({ "email": 7, "password": password }),
        json!({ "email": null, "password": password }),
        json!({ "email": [email], "password": password }),
        json!({ "email": email, "password": 12_345_678 }),
        json!({ "email": email, "password": { "value": password } }),
        json!({ "email": email, "password": true }),
    ];
    for body in bodies {
        let reply = journey.api.send(journey.api.post(REGISTER, body.to_string())).await;
        assert_refused(&reply, &body.to_string());
        assert!(!reply.body.contains(password.as_str()), "echoed: {reply:?}");
    }
    let (account, _) = journey.registered().await;
    for body in
        [json!({}), json!({ "code": 1234 }), json!({ "code": null }), json!({ "code": ["1234"] })]
    {
        let request =
            journey.api.post(ACTIVATE, body.to_string()).header("authorization", account.basic());
        assert_refused(&journey.api.send(request).await, &body.to_string());
    }
}

async fn asvs_1_3_11_addresses_that_could_do_harm_are_refused(journey: &Journey) {
    let victim = Account::new();
    let addresses = [
        format!("{}\r\nBcc: victim@example.com", victim.email),
        format!("ada\r\nRCPT TO:<victim@example.com>{}", victim.email),
        format!("ada\0{}", victim.email),
        format!("ada\u{7f}{}", victim.email),
        format!("\"quoted name\"{}", victim.email),
        format!("\"ada\"@{}", "example.com"),
        format!("<{}>", victim.email),
        format!("Ada <{}>", victim.email),
        format!("{}, eve@example.com", victim.email),
        format!("ada@@{}", victim.email),
        "ada@[127.0.0.1]".to_owned(),
        "ada@localhost".to_owned(),
        "ada@example..com".to_owned(),
        ".ada@example.com".to_owned(),
        "@example.com".to_owned(),
        "ada@".to_owned(),
        " ".to_owned(),
        format!("{}@example.com", "a".repeat(65)),
        format!("ada@{}.com", "a.".repeat(130)),
        "jürgen@example.com".to_owned(),
        "ada@exa\u{202e}mple.com".to_owned(),
    ];
    for email in addresses {
        let account = Account { email, ..victim.clone() };
        let body = json!({ "email": account.email, "password": account.password }).to_string();
        let reply = journey.api.send(journey.api.post(REGISTER, body)).await;
        reply.expect_invalid("/email");
        assert!(!reply.body.contains(&account.password), "echoed: {reply:?}");
    }
    journey.api.register(&victim).await.expect_status(201);
}

async fn passwords_that_cannot_be_used_are_refused(journey: &Journey) {
    let account = Account::new();
    let passwords = [
        String::new(),
        "1234567".to_owned(),
        "ä".repeat(7),
        "x".repeat(129),
        "🐎".repeat(129),
        format!("{}\0", account.password),
        format!("{}\r\n", account.password),
        format!("\u{7f}{}", account.password),
    ];
    for password in passwords {
        let body = json!({ "email": account.email, "password": password }).to_string();
        let reply = journey.api.send(journey.api.post(REGISTER, body)).await;
        reply.expect_invalid("/password");
        assert!(!reply.body.contains(&account.password), "echoed: {reply:?}");
    }
    journey.api.register(&account).await.expect_status(201);
}

async fn rfc_7617_broken_credentials_are_challenged(journey: &Journey) {
    let (account, _) = journey.registered().await;
    let basic = |bytes: &[u8]| format!("Basic {}", STANDARD.encode(bytes)).into_bytes();
    let headers: [Vec<u8>; 14] = [
        Vec::new(),
        b"Basic".to_vec(),
        b"Basic ".to_vec(),
        b"Basic !!!!".to_vec(),
        b"Basic YWRh".to_vec(),
        b"Bearer abcdef".to_vec(),
        basic(b""),
        basic(b":"),
        basic(b":password"),
        basic(format!("{}:", account.email).as_bytes()),
        basic(account.email.as_bytes()),
        basic(&[account.email.as_bytes(), b":", &[0xff, 0x80]].concat()),
        basic(format!("{}:{}\0", account.email, account.password).as_bytes()),
        "Basic ünïcode".as_bytes().to_vec(),
    ];
    for header in headers {
        for path in [ACTIVATE, RESEND] {
            let request = journey.api.post(path, json!({ "code": "1234" }).to_string());
            let reply = journey.api.send(request.header("authorization", header.as_slice())).await;
            assert_refused(&reply, &String::from_utf8_lossy(&header));
            assert_eq!(reply.status, 401, "{}: {reply:?}", String::from_utf8_lossy(&header));
        }
    }
    for path in [ACTIVATE, RESEND] {
        let request = journey.api.post(path, json!({ "code": "1234" }).to_string());
        assert_eq!(journey.api.send(request).await.status, 401);
    }
}

async fn asvs_4_2_1_ambiguous_requests_are_refused(journey: &Journey) {
    let head = "POST /api/v1/users/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let requests = [
        format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{head}Content-Length: 4\r\nContent-Length: 5\r\n\r\n{{}}  "),
        format!("{head}Content-Length: -1\r\n\r\n{{}}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nZZ\r\n{{}}\r\n0\r\n\r\n"),
        "POST /api/v1/users/register HTTP/9.9\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
    ];
    for request in requests {
        let answer = journey.api.send_bytes(&request).await;
        // A connection that is simply closed is an answer too; one that hangs has failed already.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:?} got {answer}");
    }
}
