//! What is limited, and how tightly.

use domain::ports::{Allowance, Quota};

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
    /// Per client: an IPv4 address or an IPv6 /64, the usual allocation to one customer; a /56 has
    /// four and a /48 sixteen times as many for all its /64.
    pub client: Option<Quota>,
    /// Per mail address, whether or not it is registered.
    pub address: Option<Quota>,
}

/// Every limit of the API. By default all are off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// How many wrong guesses one client has, over all codes; more by IPv6 /56 and /48.
    pub wrong_guesses_per_client: Option<Allowance>,
    /// How many wrong passwords of one client the product may ask about; more by IPv6 /56 and /48.
    pub wrong_passwords_per_client: Option<Allowance>,
    /// How many wrong passwords for one address it may ask about.
    pub wrong_passwords_per_address: Option<Allowance>,
    /// How many mails one mailbox gets, over claims, further codes and notices.
    pub mails_per_mailbox: Vec<Allowance>,
    /// How many of them one IPv4 address or IPv6 /48 may cause.
    pub mails_per_mailbox_and_network: Vec<Allowance>,
}
