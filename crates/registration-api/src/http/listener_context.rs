//! What the layers around every endpoint need to know, whichever listener it is on.

use std::sync::Arc;

use domain::ports::IdSource;

use super::client_address::TrustedProxies;
use super::public_url::PublicUrl;

/// What is the same for all requests of a listener.
pub(crate) struct ListenerContext {
    /// Who may say which client a request comes from.
    pub(crate) trusted_proxies: TrustedProxies,
    /// Names the requests.
    pub(crate) ids: Arc<dyn IdSource>,
    /// Where the problems are explained.
    pub(crate) public_url: PublicUrl,
}
