//! The product's listener on a free port.

use std::net::{SocketAddr, TcpListener};

use actix_web::web::Data;
use process::health::Health;
use registration_api::http::{
    ApiOptions, AppState, ProductPorts, ProductState, ProductToken, product_server,
};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{World, problem, server_options};

const TOKEN: &str = "0123456789abcdef0123456789ABCDEF";

/// The running listener, and a caller with its token.
pub(crate) struct ProductApp {
    address: SocketAddr,
    pub(crate) world: World,
    pub(crate) http: reqwest::Client,
}

impl ProductApp {
    pub(crate) fn start(world: World, options: ApiOptions) -> Self {
        let health = Health::new(Vec::new(), CancellationToken::new());
        let api = AppState::new(world.ports(), options, health);
        let ports = ProductPorts { accounts: world.users.clone(), hasher: world.hasher.clone() };
        let token = ProductToken::new(TOKEN.into()).unwrap();
        let state = Data::new(ProductState::new(&api, ports, token));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(product_server(listener, state, server_options()).unwrap());
        process::install_crypto();
        Self { address, world, http: reqwest::Client::new() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(TOKEN)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

/// As of the API: the same documents.
pub(crate) async fn product_problem(response: Response, status: u16, code: &str) -> Value {
    for header in ["content-security-policy", "x-content-type-options", "referrer-policy"] {
        assert!(response.headers().contains_key(header), "{header}");
    }
    problem(response, status, code).await
}
