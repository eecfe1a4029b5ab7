//! An account, as the product reads it.

use actix_web::HttpResponse;
use domain::Account;
use process::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::Problem;
use crate::http::problem_kind::ProblemKind;

/// An account, or a registration that is to become one.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountResponse {
    /// Identifies the account (UUIDv7, RFC 9562). Never used again.
    #[schema(format = "uuid", examples("01890a5d-ac96-774b-bcce-b302099a8057"))]
    user_id: String,
    /// Its address, as it was registered.
    #[schema(format = "email", examples("ada@example.com"))]
    email: String,
    /// Whether its code came back in time.
    #[schema(examples(true))]
    is_active: bool,
    /// When the address was claimed.
    #[schema(required, format = "date-time", examples("2023-06-29T21:41:00.502Z"))]
    registered_at: Option<String>,
    /// When the account became active; null before.
    #[schema(required, format = "date-time", examples("2023-06-29T21:41:35.007Z"))]
    activated_at: Option<String>,
}

impl From<Account> for AccountResponse {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.user_id.to_string(),
            email: account.email.as_str().to_owned(),
            is_active: account.is_active(),
            registered_at: account.registered_at().and_then(rfc3339),
            activated_at: account.activated_at.and_then(rfc3339),
        }
    }
}

/// The answer to a look-up.
pub(super) fn answer(account: Option<Account>) -> Result<HttpResponse, Problem> {
    let account = account.ok_or_else(|| Problem::new(ProblemKind::UserNotFound))?;
    Ok(HttpResponse::Ok().json(AccountResponse::from(account)))
}
