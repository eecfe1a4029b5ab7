//! What the product behind may ask, on a listener of its own that is not for the public: who has an
//! account, whether a password is right, and to delete an account.
//!
//! Every operation on users asks for the product's token, whatever the request is otherwise.

mod authorization;
mod endpoints;
mod openapi;
mod server;
mod state;
mod token;

pub use openapi::document;
pub use server::server;
pub use state::{ProductPorts, ProductState};
pub use token::{ProductToken, ProductTokenError};
