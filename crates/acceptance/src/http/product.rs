//! The product behind, which asks with its token.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::{Client, Reply, Secrets};
use crate::account::Account;
use crate::system::PRODUCT_TOKEN;

/// Asks the product's listener of one system on behalf of one test.
pub struct Product(Client);

impl Product {
    /// A caller of the listener at `base`, whose requests are as secret as those of clients.
    pub fn new(base: &str, secrets: Secrets) -> Self {
        Self(Client::new(base, secrets))
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.0.request(method, path).bearer_auth(PRODUCT_TOKEN)
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        self.0.send(request).await
    }

    /// `GET /v1/users/{id}`
    pub async fn user(&self, id: &str) -> Reply {
        self.send(self.request(Method::GET, &format!("/v1/users/{id}"))).await
    }

    /// `GET /v1/users?email=…`
    pub async fn user_of(&self, email: &str) -> Reply {
        self.send(self.request(Method::GET, &format!("/v1/users?email={email}"))).await
    }

    /// `POST /v1/users/verify-password`
    pub async fn verify(&self, account: &Account) -> Reply {
        let body = json!({ "email": account.email, "password": account.password });
        self.send(self.request(Method::POST, "/v1/users/verify-password").json(&body)).await
    }

    /// `DELETE /v1/users/{id}`
    pub async fn delete(&self, id: &str) -> Reply {
        self.send(self.request(Method::DELETE, &format!("/v1/users/{id}"))).await
    }
}
