//! The inbox that the mails of one system end in.

use std::net::SocketAddr;

/// Where the inbox is reached.
pub(crate) struct InboxAddresses {
    /// Where it takes mail.
    pub(crate) smtp: SocketAddr,
    /// The base of its HTTP API.
    pub(crate) http: String,
}

/// Starts an inbox on free ports.
pub(crate) async fn start() -> InboxAddresses {
    todo!()
}
