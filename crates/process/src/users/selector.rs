//! How an operator names an account.

use std::fmt;
use std::str::FromStr;

use domain::{EmailAddress, UserId};
use uuid::Uuid;

/// An account by its identifier or its address.
#[derive(Debug, Clone)]
pub(super) enum Selector {
    Id(UserId),
    Address(EmailAddress),
}

/// Why a text names no account.
#[derive(Debug, thiserror::Error)]
#[error("write an identifier such as 01890a5d-ac96-774b-bcce-b302099a8057, or an e-mail address")]
pub(super) struct SelectorError;

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if let Ok(id) = Uuid::try_parse(text) {
            return Ok(Self::Id(UserId::from_uuid(id)));
        }
        EmailAddress::parse(text).map(Self::Address).map_err(|_| SelectorError)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "identifier {id}"),
            Self::Address(address) => write!(f, "address {}", address.as_str()),
        }
    }
}
