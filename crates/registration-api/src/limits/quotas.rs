//! What is limited, and how tightly.

use domain::ports::Quota;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Claiming an address.
    Register,
    /// Sending a code back.
    Activate,
    /// Asking for another code.
    ResendCode,
}

/// The quotas of one action; `None` turns a limit off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActionQuotas {
    /// Per client address: an IPv4 address or an IPv6 /64, which is what one customer gets.
    pub client: Option<Quota>,
    /// Per mail address, whether or not it is registered.
    pub address: Option<Quota>,
}

/// Every limit of the API. By default all are off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// For [`Action::Register`].
    pub register: ActionQuotas,
    /// For [`Action::Activate`].
    pub activate: ActionQuotas,
    /// For [`Action::ResendCode`], whoever asks.
    pub resend_code: ActionQuotas,
    /// How many further codes are mailed to one address. Only askers who know the password of its registration count.
    pub further_codes: Option<Quota>,
}
