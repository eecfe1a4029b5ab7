//! An inbox that nobody empties stays small.

use inbox::Capacity;

use crate::harness::{Smtp, send, start_with};

#[tokio::test]
async fn the_oldest_mail_makes_room_for_the_newest() {
    let inbox = start_with(Capacity { mails: 3, bytes: 1_000_000 }).await;
    let mut smtp = Smtp::connect(&inbox).await;
    for number in 1..=5 {
        smtp.send("ada@example.com", &format!("Subject: {number}\n\nhi\n")).await;
    }
    let entries = inbox.mailbox().entries();
    let subjects: Vec<_> =
        entries.iter().map(|entry| entry.mail.overview.subject.as_str()).collect();
    assert_eq!(subjects, ["5", "4", "3"]);
    assert_eq!(
        inbox.mailbox().bytes(),
        entries.iter().map(|entry| entry.mail.raw.len()).sum::<usize>()
    );
}

#[tokio::test]
async fn bytes_are_bounded_too() {
    let inbox = start_with(Capacity { mails: 100, bytes: 10_000 }).await;
    let mut smtp = Smtp::connect(&inbox).await;
    let large = format!("Subject: large\n\n{}\n", "x".repeat(3_000));
    for _ in 0..10 {
        assert!(smtp.send("ada@example.com", &large).await.starts_with("250"));
        assert!(inbox.mailbox().bytes() <= 10_000);
    }
    assert_eq!(inbox.mailbox().entries().len(), 3);
    let huge = format!("Subject: huge\n\n{}\n", "x".repeat(10_000));
    assert!(smtp.send("ada@example.com", &huge).await.starts_with("552"), "it would never fit");
    assert_eq!(inbox.mailbox().entries().len(), 3);
}

#[tokio::test]
async fn a_header_of_a_megabyte_is_not_multiplied() {
    let inbox = start_with(Capacity::default()).await;
    let list = "a@b.example,\n ".repeat(60_000);
    let id =
        send(&inbox, "ada@example.com", &format!("Subject: many\nTo: {list}z@b.example\n\nhi\n"))
            .await;
    assert_eq!(inbox.mailbox().get(&id).unwrap().overview.to.len(), 100);
}
