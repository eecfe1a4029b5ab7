//! Deletes an account for good.
//!
//! What is counted under its address stays until it expires, under a digest: a deletion must not buy
//! guesses or mails.

use std::sync::Arc;

use domain::ports::{Accounts, IdSource, RepositoryError};
use domain::{TraceParent, UserEvent, UserId};

use super::event_envelopes::wrap_event;
use crate::metrics::USERS_DELETED;

/// The use case, with the ports that it needs.
#[derive(Clone)]
pub struct DeleteUser {
    /// The accounts.
    pub accounts: Arc<dyn Accounts>,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
}

impl DeleteUser {
    /// Deletes the account with this identifier; returns whether there was one. The line in the log
    /// is the last that names it.
    pub async fn execute(
        &self,
        user_id: UserId,
        trace: TraceParent,
    ) -> Result<bool, RepositoryError> {
        let event = wrap_event(&*self.ids, trace, UserEvent::UserDeleted { user_id });
        let is_deleted = self.accounts.delete(user_id, &event).await?;
        if is_deleted {
            metrics::counter!(USERS_DELETED).increment(1);
            tracing::info!(event = "user.deleted", %user_id, "an account was deleted");
        }
        Ok(is_deleted)
    }
}
