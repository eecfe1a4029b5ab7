//! The REST API: translates between HTTP and the use cases, and decides nothing by itself.
//!
//! Every answer that is not a success is a problem document (RFC 9457). No answer may repeat a
//! secret that was sent, and no log line may contain one.

mod accept_language;
mod basic_auth;
mod connections;
mod content_negotiation;
mod cors;
mod docs;
mod endpoints;
mod host;
mod json_body;
mod listener_context;
mod openapi_examples;
mod port_errors;
mod problem;
mod problem_kind;
mod problem_responses;
mod problem_writer;
mod product;
mod proof_of_work;
mod public_url;
mod rate_limit_fields;
mod redirect;
mod request_log;
mod request_span;
mod routes;
mod security_headers;
mod server;
mod signup_page;
mod state;
mod texts;

pub mod client_address;
pub mod openapi;

pub use product::{
    ProductPorts, ProductState, ProductToken, ProductTokenError, document as product_document,
    server as product_server,
};
pub use proof_of_work::ProofOfWorkOptions;
pub use public_url::PublicUrl;
pub use server::{ServerOptions, server};
pub use signup_page::{ReturnUrlError, ReturnUrls, SignupOptions};
pub use state::{ApiOptions, AppState, Ports};
