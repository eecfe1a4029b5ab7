//! A webhook's receiver that misbehaves.

use std::time::Duration;

use tokio::time::timeout;

use super::effect::Effect;
use crate::receiver::PROBE;
use crate::schedule::WebhookFault;
use crate::system::System;

/// How long the request may take that shows the fault: longer than it takes a receiver that hangs
/// to be asked.
const EXCHANGE: Duration = Duration::from_millis(500);

impl System {
    pub(super) async fn misbehave_as_receiver(&self, fault: WebhookFault) -> Effect {
        let before = self.receiver.shown();
        self.receiver.behave(Some(fault));
        let url = format!("http://127.0.0.1:{}/", self.receiver.port());
        let probe = acceptance::http_client().post(url).header("webhook-id", PROBE);
        // An error is what a receiver that misbehaves answers.
        let _ = timeout(EXCHANGE, probe.send()).await;
        match self.receiver.shown() - before {
            0 => Err("the receiver behaved well".to_owned()),
            _ => Ok("the receiver did so to a probe".to_owned()),
        }
    }
}
