//! An account as others may see it: without its password and its codes.

use std::time::{Duration, SystemTime};

use crate::email_address::EmailAddress;
use crate::user_id::UserId;

/// An account, or a registration that is to become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Identifies it.
    pub user_id: UserId,
    /// Its address, as it was registered.
    pub email: EmailAddress,
    /// When its code came back, to the millisecond; none while it is waited for.
    pub activated_at: Option<SystemTime>,
}

impl Account {
    /// Whether it has been activated.
    pub fn is_active(&self) -> bool {
        self.activated_at.is_some()
    }

    /// When the address was claimed, to the millisecond: the first 48 bits of the identifier are
    /// Unix milliseconds (RFC 9562 section 5.7). `None` if it is not a `UUIDv7`.
    pub fn registered_at(&self) -> Option<SystemTime> {
        let id = self.user_id.as_uuid();
        let (high, _) = id.as_u64_pair();
        let since_epoch = Duration::from_millis(high >> 16);
        (id.get_version_num() == 7).then(|| SystemTime::UNIX_EPOCH + since_epoch)
    }
}

/// All that the store keeps of an account but the hash of its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// The account.
    pub account: Account,
    /// How many codes were asked for.
    pub codes_requested: u32,
    /// When the last one was.
    pub code_requested_at: SystemTime,
    /// Until when its mail holds the address; none while the mail is on its way.
    pub code_expires_at: Option<SystemTime>,
    /// When the owner was last told that somebody tried to register the address again.
    pub repetition_noted_at: Option<SystemTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Account {
        Account {
            user_id: UserId::from_uuid(id.parse().unwrap()),
            email: EmailAddress::parse("ada@example.com").unwrap(),
            activated_at: None,
        }
    }

    #[test]
    fn an_identifier_tells_when_its_account_was_registered() {
        // The example of appendix A.6.
        let registered = account("017F22E2-79B0-7CC3-98C4-DC0C0C07398F").registered_at();
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_645_557_742);
        assert_eq!(registered, Some(expected));
        assert_eq!(account("919108f7-52d1-4320-9bac-f847db4148a8").registered_at(), None);
    }

    #[test]
    fn an_account_is_active_from_its_activation_on() {
        let pending = account("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
        assert!(!pending.is_active());
        assert!(Account { activated_at: Some(SystemTime::UNIX_EPOCH), ..pending }.is_active());
    }
}
