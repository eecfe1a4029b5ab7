//! Mails in the character sets that the world sends.

use crate::harness::{get_json, send, start};

/// A character set, "hello" in it as Base64, and the same in Unicode.
const HELLOS: [(&str, &str, &str); 8] = [
    ("ISO-2022-JP", "GyRCJDMkcyRLJEEkTxsoQg==", "こんにちは"),
    ("Shift_JIS", "grGC8YLJgr+CzQ==", "こんにちは"),
    ("GB2312", "xOO6ww==", "你好"),
    ("GB18030", "xOO6ww==", "你好"),
    ("Big5", "p0Gmbg==", "你好"),
    ("EUC-KR", "vsiz5w==", "안녕"),
    ("windows-1251", "z/Do4uXy", "Привет"),
    ("ISO-8859-1", "R3L832U=", "Grüße"),
];

#[tokio::test]
async fn subjects_and_texts_are_decoded_from_any_character_set() {
    let inbox = start().await;
    for (charset, encoded, hello) in HELLOS {
        let mail = format!(
            "From: =?{charset}?B?{encoded}?= <a@example.com>\nSubject: =?{charset}?B?{encoded}?=\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n{encoded}\n"
        );
        let id = send(&inbox, "ada@example.com", &mail).await;
        let mail = get_json(&inbox, &format!("/api/v1/message/{id}")).await;
        assert_eq!(mail["Subject"], hello, "{charset}");
        assert_eq!(mail["From"]["Name"], hello, "{charset}");
        assert_eq!(mail["Text"], hello, "{charset}");
    }
}

#[tokio::test]
async fn a_seven_bit_japanese_mail_is_read_as_it_is() {
    let inbox = start().await;
    let mail =
        "Subject: x\nContent-Type: text/plain; charset=iso-2022-jp\n\n\u{1b}$B$3$s$K$A$O\u{1b}(B\n";
    let id = send(&inbox, "ada@example.com", mail).await;
    let mail = get_json(&inbox, &format!("/api/v1/message/{id}")).await;
    assert_eq!(mail["Text"].as_str().unwrap().trim(), "こんにちは");
}
