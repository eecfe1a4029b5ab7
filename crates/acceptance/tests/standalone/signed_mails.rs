//! DKIM, as receivers see it: dkimpy, which shares no code with the product, verifies what arrives
//! at an SMTP server, whatever its shape.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;

use acceptance::{Account, Finished, Program, Standalone, StandaloneCommand, required};
use serde_json::json;
use tempfile::TempDir;
use test_support::eventually;
use test_support::smtp_server::{Running, Server};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/standalone/dkim");

/// Lines that SMTP, MIME and canonicalisation treat specially, in ASCII.
const AWKWARD: &str =
    "{{ code }}\n.\n..\n. dots\n\n\ttabs\t and  spaces   \nFrom here\n-- \n=20=\n\n\n";

struct Verified {
    /// In the order of the signatures.
    selectors: Vec<String>,
    is_genuine: bool,
}

/// What dkimpy says of a message.
async fn verify(message: &str) -> Verified {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message.eml");
    fs::write(&file, message).unwrap();
    let python = Path::new(&required("TEST_DKIMVERIFY")).with_file_name("python");
    let verifier = Program::new(python).arguments([
        format!("{FILES}/verify.py"),
        format!("{FILES}/records.json"),
        file.display().to_string(),
    ]);
    let Finished { code, stdout, stderr } = verifier.run_to_end().await;
    assert!([0, 1].contains(&code) && !stderr.contains("Traceback"), "{stderr}");
    let selectors = stdout.lines().map(str::to_owned).collect();
    Verified { selectors, is_genuine: code == 0 }
}

/// A system whose mails go to `server`, signed with these keys.
async fn start(data: &TempDir, server: &Running, keys: &[&str]) -> Standalone {
    let files: Vec<_> = keys.iter().map(|key| format!("{FILES}/{key}.pem")).collect();
    StandaloneCommand::on(data.path())
        .with("smtp.host", "127.0.0.1")
        .with("smtp.port", &server.port().to_string())
        .with("smtp.tls", "none")
        .with("mail.from", "Käte <signup@sender.example>")
        .with("mail.reply_to", "help@sender.example")
        .with("mail.templates_dir", &data.path().join("templates").display().to_string())
        .with("mail.dkim_selector", &keys.join(","))
        .with("mail.dkim_key_file", &files.join(","))
        .start()
        .await
}

/// The mail to somebody who registers in a language.
async fn mail_in(standalone: &Standalone, server: &Running, language: &str) -> String {
    let account = Account::new();
    let body = json!({
        "email": account.email, "password": account.password, "locale": language
    });
    let client = standalone.client();
    client.send(client.post("/api/v1/users/register", body.to_string())).await.expect_status(201);
    eventually("the mail", async || {
        let received = server.received();
        received
            .into_iter()
            .find(|mail| mail.to == [account.email.clone()])
            .map(|mail| mail.content)
    })
    .await
}

fn write_templates(data: &TempDir, files: &[(&str, String)]) {
    for (name, text) in files {
        let path = data.path().join("templates").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[tokio::test]
async fn rfc_6376_signatures_verify_at_the_receiver_whatever_the_mail_looks_like() {
    let data = tempfile::tempdir().unwrap();
    let long = "ä long line ".repeat(200);
    write_templates(
        &data,
        &[
            ("en/code.txt", AWKWARD.to_owned()),
            ("fr/code.txt", format!("{AWKWARD}.é\n{long}\n.\n")),
            ("fr/code.html", format!("<p>{long}{{{{ code }}}}</p>\n\n.\n")),
        ],
    );
    let server = Server::well_behaved().start().await;
    for keys in [&["rsa", "ed25519"][..], &["ed25519"], &["rsa"]] {
        let standalone = start(&data, &server, keys).await;
        for language in ["en", "fr"] {
            let mail = mail_in(&standalone, &server, language).await;
            assert!(mail.is_ascii() && mail.lines().all(|line| line.len() <= 998));
            let verified = verify(&mail).await;
            assert!(verified.is_genuine, "{keys:?} {language}\n{mail}");
            assert_eq!(verified.selectors, keys, "{language}");
        }
    }
}

#[tokio::test]
async fn asvs_1_3_11_what_is_changed_or_added_on_the_way_breaks_the_signature() {
    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("templates")).unwrap();
    let server = Server::well_behaved().start().await;
    let standalone = start(&data, &server, &["rsa", "ed25519"]).await;
    let mail = mail_in(&standalone, &server, "en").await;
    assert!(verify(&mail).await.is_genuine);
    let tampered = [
        mail.replace("\r\nSubject: ", "\r\nSubject: Re: "),
        mail.replace("Your Registration", "Your Phishing"),
        format!("{mail}P.S.\r\n"),
        mail.replacen("\r\nFrom: ", "\r\nFrom: eve@evil.example\r\nFrom: ", 1),
        mail.replacen("\r\nFrom: ", "\r\nSubject: Hello\r\nFrom: ", 1),
        mail.replacen("\r\nFrom: ", "\r\nCc: eve@evil.example\r\nFrom: ", 1),
        mail.replacen("\r\nReply-To: help@", "\r\nReply-To: eve@", 1),
        mail.replacen("multipart/alternative", "multipart/mixed", 1),
    ];
    for changed in tampered {
        assert_ne!(changed, mail);
        assert!(!verify(&changed).await.is_genuine, "{changed}");
    }
    // What servers may do on the way.
    let relayed =
        format!("Received: from a\r\n\tby b; Thu, 1 Jan 2026 00:00:00 +0000\r\n{mail}\r\n");
    assert!(verify(&relayed.replace("\r\nSubject: ", "\r\nSubject:\r\n\t")).await.is_genuine);
}
