//! The two ways in which the product is deployed.

use std::path::Path;

use test_support::free_port;

use super::settings::Settings;
use super::setup::Setup;
use crate::process::{Program, Service};

/// The token of the product's listener.
pub const PRODUCT_TOKEN: &str = "3f1d9c77a8b04e5f96d2c1870a6b5e43";

/// How the product runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deployment {
    /// `registration-api` and `email-worker` on PostgreSQL, Redis and RabbitMQ.
    Distributed,
    /// The `standalone` binary.
    Standalone,
}

/// Where the process that serves the API listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The base URL of the API.
    pub api: String,
    /// The base URL of the operator's listener.
    pub operator: String,
    /// The base URL of the product's listener.
    pub product: String,
    /// The same of the process that sends the mails, which may be the same process.
    pub worker_operator: String,
}

impl Deployment {
    /// The service with the API, the one that sends the mails if it is another, and where they
    /// listen. Neither is started yet; the database is migrated. The files of the standalone system
    /// are in `data`.
    pub(super) async fn services(
        self,
        settings: &Settings,
        setup: &Setup,
        data: &Path,
    ) -> (Service, Option<Service>, Addresses) {
        match self {
            Self::Distributed => {
                let (api, worker, addresses) = distributed(settings, setup).await;
                (api, Some(worker), addresses)
            }
            Self::Standalone => {
                let (api, addresses) = standalone(settings, setup, data);
                (api, None, addresses)
            }
        }
    }
}

async fn distributed(settings: &Settings, setup: &Setup) -> (Service, Service, Addresses) {
    let (api, addresses) = listening(Program::of_product("registration-api").settings(settings));
    let (worker, worker_addresses) =
        listening(Program::of_product("email-worker").settings(settings));
    let migrated = api.clone().arguments(["migrate"]).run_to_end().await;
    assert_eq!(migrated.code, 0, "{}", migrated.output());
    let (api, worker) = (setup.redirect(api), setup.redirect(worker));
    let addresses = Addresses { worker_operator: worker_addresses.operator.clone(), ..addresses };
    let api = Service::new(api, format!("{}/health/ready", addresses.api));
    let worker = Service::new(worker, format!("{}/health/ready", worker_addresses.operator));
    (api, worker, addresses)
}

fn standalone(settings: &Settings, setup: &Setup, data: &Path) -> (Service, Addresses) {
    let program =
        Program::of_product("standalone").arguments(["--data-dir", data.to_str().unwrap()]);
    let (program, addresses) = listening(program.settings(settings));
    let service = Service::new(setup.redirect(program), format!("{}/health/ready", addresses.api));
    (service, addresses)
}

/// Adds listeners on free ports.
fn listening(program: Program) -> (Program, Addresses) {
    let keys = ["http.listen", "metrics.listen", "product.listen"];
    let listeners = keys.map(|key| (key, format!("127.0.0.1:{}", free_port())));
    let program = listeners
        .iter()
        .fold(program, |program, (key, address)| program.setting(key, address))
        .setting("product.token", PRODUCT_TOKEN);
    let [api, operator, product] = listeners.map(|(_, address)| format!("http://{address}"));
    (program, Addresses { api, worker_operator: operator.clone(), operator, product })
}
