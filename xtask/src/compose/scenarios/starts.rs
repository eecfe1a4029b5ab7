//! First starts.

use crate::compose::client::new_address;
use crate::compose::docker::ASK_LIMIT;
use crate::compose::error::{ComposeError, require};
use crate::compose::trial::Trial;

/// PostgreSQL has made its cluster, and is killed before anybody has made the role and the database.
pub(super) fn interrupted(trial: &Trial) -> Result<(), ComposeError> {
    trial.project.up(&["postgres"])?;
    trial.project.kill_and_recover("postgres")?;
    trial.project.up(&[])?;
    trial.client.sign_up(&new_address("interrupted"))?;
    trial.project.forget()
}

/// A container that may not have enough threads ends with a sentence, instead of hanging.
pub(super) fn too_few_threads(trial: &Trial) -> Result<(), ComposeError> {
    for (image, command) in
        [("registration-api:local", "openapi"), ("email-worker:local", "health")]
    {
        let run = ["run", "--rm", "--network=none", "--pids-limit=2", image, command];
        let error = match trial.project.docker.read(&run, ASK_LIMIT, trial.interrupt) {
            Ok(_) => return Err(ComposeError::Refuted(format!("{image} runs with two threads"))),
            Err(error) => error.to_string(),
        };
        let says_why = error.contains("raise the limit on processes");
        require(says_why, || format!("{image} with two threads does not say what to do: {error}"))?;
    }
    Ok(())
}

/// A start on a machine that has nothing of it; no image leaves a volume without a name behind.
pub(super) fn from_nothing(trial: &Trial) -> Result<(), ComposeError> {
    trial.project.up(&[])?;
    trial.client.sign_up(&new_address("first"))?;
    let nameless = trial.project.nameless_volumes()?;
    require(nameless.is_empty(), || format!("there are volumes without a name: {nameless:?}"))
}
