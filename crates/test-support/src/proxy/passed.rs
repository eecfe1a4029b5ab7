//! The bytes that a proxy has forwarded.

/// What has passed in both directions, over all connections.
#[derive(Clone, Default)]
pub struct Passed {
    /// The clients' bytes.
    pub to_server: Vec<u8>,
    /// The server's bytes.
    pub to_client: Vec<u8>,
}
