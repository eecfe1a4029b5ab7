//! Every process is killed while addresses are being registered.

use crate::compose::client::new_address;
use crate::compose::error::{ComposeError, require};
use crate::compose::load::Load;
use crate::compose::project::SERVICES;
use crate::compose::trial::Trial;

/// Whoever was told 201 gets a mail, whatever was killed.
pub(super) fn kill_each(trial: &Trial) -> Result<(), ComposeError> {
    let accepted = Load::during(trial.interrupt, |load| {
        for service in SERVICES {
            load.wait_for_more(trial.interrupt)?;
            trial.project.kill_and_recover(service)?;
            if service == "mailpit" {
                // It keeps its mails in memory: what it had is lost with it.
                load.forget();
            }
        }
        load.wait_for_more(trial.interrupt)
    })?;
    require(!accepted.is_empty(), || "no registration was accepted".to_owned())?;
    for address in &accepted {
        trial.client.first_mail(address)?;
    }
    eprintln!("xtask: {} registrations were accepted, and each has its mail", accepted.len());
    trial.client.sign_up(&new_address("after-crashes")).map(|_| ())
}
