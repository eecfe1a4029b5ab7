//! Whether the receiver can be reached. Asks for nothing and delivers nothing: a HEAD request shows
//! name, address, TLS and time.

use domain::{ErrorChain, Finding};

use super::client::Receiver;
use super::options::WebhookOptions;

const CHECK: &str = "webhooks.url";

/// Connects once and says what is so.
pub async fn diagnose(options: WebhookOptions) -> Vec<Finding> {
    let receiver = match Receiver::new(&options) {
        Ok(receiver) => receiver,
        Err(error) => {
            return vec![Finding::error(CHECK, error.to_string(), "correct webhooks.url")];
        }
    };
    let target = receiver.url.host_str().unwrap_or_default().to_owned();
    let finding = match receiver.client.head(receiver.url).send().await {
        Ok(answer) if answer.status().is_server_error() => Finding::warning(
            CHECK,
            format!("{target} answers {}", answer.status()),
            "look at the receiver; events wait until it is up",
        ),
        Ok(answer) if answer.status().is_redirection() => Finding::error(
            CHECK,
            format!("{target} answers {}, and redirects are not followed", answer.status()),
            "set webhooks.url to where it redirects to",
        ),
        // Any other answer: it may well take nothing but POST.
        Ok(_) => Finding::ok(CHECK, format!("{target} can be reached")),
        Err(error) => Finding::error(
            CHECK,
            format!("{target} cannot be reached: {}", ErrorChain(&error.without_url())),
            "check webhooks.url, the firewalls in between and, with an authority of your own, \
             SSL_CERT_FILE",
        ),
    };
    vec![finding]
}
