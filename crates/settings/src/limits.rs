//! `[limits]`: how often one client, or anybody about one address, may ask, and how often one
//! mailbox is mailed.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use serde::Deserialize;

use crate::{CommaList, QuotaSetting};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    pub register_per_client: QuotaSetting,
    pub register_per_address: QuotaSetting,
    pub activate_per_client: QuotaSetting,
    pub activate_per_address: QuotaSetting,
    pub resend_per_client: QuotaSetting,
    pub resend_per_address: QuotaSetting,
    pub further_codes: QuotaSetting,
    pub wrong_guesses_per_client: QuotaSetting,
    pub wrong_passwords_per_client: QuotaSetting,
    pub wrong_passwords_per_address: QuotaSetting,
    pub mails_per_mailbox: CommaList<QuotaSetting>,
    pub mails_per_mailbox_and_network: CommaList<QuotaSetting>,
}
