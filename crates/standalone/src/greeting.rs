//! What the person who has just typed `cargo run` reads: where things are and what to try first.

use std::net::SocketAddr;
use std::path::Path;

/// Where the system listens and keeps its data.
pub(crate) struct Greeting<'a> {
    pub(crate) api: SocketAddr,
    pub(crate) has_signup_page: bool,
    pub(crate) inbox: Option<InboxAddresses>,
    pub(crate) product: Option<SocketAddr>,
    pub(crate) data: &'a Path,
}

/// Where the inbox listens.
#[derive(Clone, Copy)]
pub(crate) struct InboxAddresses {
    pub(crate) page: SocketAddr,
    pub(crate) smtp: SocketAddr,
}

/// A command that registers somebody.
pub(crate) fn register_command(api: SocketAddr) -> String {
    format!(
        "curl -i http://{}/api/v1/users/register -H 'Content-Type: application/json' -d '{{\"email\":\"ada@example.com\",\"password\":\"correct horse battery\"}}'",
        host(api)
    )
}

impl std::fmt::Display for Greeting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let api = host(self.api);
        writeln!(f, "\n  API    http://{api}")?;
        writeln!(f, "  Docs   http://{api}/docs")?;
        if self.has_signup_page {
            writeln!(f, "  Page   http://{api}/  (sign up here)")?;
        }
        match self.inbox {
            Some(inbox) => {
                writeln!(
                    f,
                    "  Inbox  http://{}  (SMTP on {})",
                    host(inbox.page),
                    host(inbox.smtp)
                )?;
            }
            None => writeln!(f, "  Mails  go to the server in smtp.host")?,
        }
        if let Some(product) = self.product {
            let product = host(product);
            writeln!(
                f,
                "  Users  http://{product}/v1/users  (for your product; token: product.token)"
            )?;
        }
        writeln!(f, "  Data   {}\n", self.data.display())?;
        writeln!(f, "  Register, then activate within a minute with the code from the mail:\n")?;
        writeln!(f, "  {}\n", register_command(self.api))?;
        writeln!(
            f,
            "  curl -i http://{api}/api/v1/users/activate -u 'ada@example.com:correct horse battery' -H 'Content-Type: application/json' -d '{{\"code\":\"0000\"}}'\n"
        )
    }
}

/// The address as a browser on this machine reaches it.
fn host(address: SocketAddr) -> String {
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}
