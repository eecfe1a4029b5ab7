//! What every worker thread of the product's listener shares.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Accounts, IdSource, PasswordHasher};

use super::token::ProductToken;
use crate::http::client_address::TrustedProxies;
use crate::http::listener_context::ListenerContext;
use crate::http::public_url::PublicUrl;
use crate::http::state::AppState;
use crate::use_cases::{Authenticator, DeleteUser, VerifyPassword};

/// The ports that the product's listener needs beside those of the API.
#[derive(Clone)]
pub struct ProductPorts {
    /// The accounts, in the store of the users.
    pub accounts: Arc<dyn Accounts>,
    /// Verifies passwords on the threads of the API's hasher, and yields to it.
    pub hasher: Arc<dyn PasswordHasher>,
}

/// The product's side of the application.
pub struct ProductState {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) verify_password: VerifyPassword,
    pub(super) delete_user: DeleteUser,
    pub(super) token: ProductToken,
    pub(super) body_timeout: Duration,
    pub(super) public_url: PublicUrl,
    trusted_proxies: TrustedProxies,
    ids: Arc<dyn IdSource>,
}

impl ProductState {
    /// Beside the API, with which it shares stores, limits and options.
    pub fn new(api: &AppState, ports: ProductPorts, token: ProductToken) -> Self {
        let ProductPorts { accounts, hasher } = ports;
        let users = api.register.users.clone();
        Self {
            verify_password: VerifyPassword {
                authenticator: Authenticator { users, hasher },
                accounts: accounts.clone(),
                limits: api.limits.clone(),
            },
            delete_user: DeleteUser { accounts: accounts.clone(), ids: api.ids.clone() },
            accounts,
            token,
            body_timeout: api.options.body_timeout,
            public_url: api.options.public_url.clone(),
            trusted_proxies: api.options.trusted_proxies.clone(),
            ids: api.ids.clone(),
        }
    }

    /// What the layers around its endpoints need of it.
    pub(super) fn context(&self) -> ListenerContext {
        ListenerContext {
            trusted_proxies: self.trusted_proxies.clone(),
            ids: self.ids.clone(),
            public_url: self.public_url.clone(),
        }
    }
}
