//! The inbox that the mails of one system end in.

use std::net::{Ipv4Addr, SocketAddr};

use inbox::{Capacity, Inbox, InboxOptions};

/// Starts an inbox on free ports, with room for the mails of every test. It stops when dropped.
pub(crate) async fn start_inbox() -> Inbox {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let capacity = Capacity { mails: 5_000, bytes: 64 * 1024 * 1024 };
    let options =
        InboxOptions { smtp: any_port, http: any_port, hosts: Vec::new(), capacity, example: None };
    Inbox::start(options).await.expect("an inbox on free ports")
}
