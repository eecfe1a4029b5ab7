//! What is limited, and how tightly.

use domain::ports::Quota;

/// A limited action.
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
    /// Per client address: an IPv4 address or an IPv6 /64, the usual allocation to one customer.
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
    /// For [`Action::ResendCode`], with or without the right password.
    pub resend_code: ActionQuotas,
    /// How many further codes are mailed to one address. Only requests with the right password
    /// count.
    pub further_codes: Option<Quota>,
}
