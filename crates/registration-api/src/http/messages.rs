//! What the API takes and gives, as OpenAPI describes it.

use serde::Serialize;
use utoipa::ToSchema;

/// An address and the password it is to have. Documentation only: bodies are read member by member, so that
/// every fault can be reported.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; json_body reads it")]
pub(crate) struct RegisterRequest {
    /// Where the code is mailed. At most 254 characters; internationalised domains are accepted.
    #[schema(format = "email", max_length = 254, examples("ada@example.com"))]
    email: String,
    /// Used exactly as it is sent. Any characters but control characters; there are no composition rules.
    #[schema(
        format = "password",
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        examples("correct horse battery staple")
    )]
    password: String,
}

/// A registration whose code is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisterResponse {
    /// Identifies the registration (UUIDv7, RFC 9562).
    #[schema(format = "uuid", examples("01890a5d-ac96-774b-bcce-b302099a8057"))]
    pub(crate) user_id: String,
    /// The address, as it is written to.
    #[schema(format = "email", examples("ada@example.com"))]
    pub(crate) email: String,
    /// What happens next, for people.
    pub(crate) message: String,
}

/// A request that is accepted, whether or not the address was free.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConcealedResponse {
    /// The address, as it is written to.
    #[schema(format = "email", examples("ada@example.com"))]
    pub(crate) email: String,
    /// What happens next, for people.
    pub(crate) message: String,
}

/// The code from the mail. Documentation only, as [`RegisterRequest`] is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; json_body reads it")]
pub(crate) struct ActivateRequest {
    /// The digits, as a string: leading zeros count.
    #[schema(examples("0427"))]
    code: String,
}

/// An account that has just become active.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActivateResponse {
    /// Identifies the account.
    #[schema(format = "uuid", examples("01890a5d-ac96-774b-bcce-b302099a8057"))]
    pub(crate) user_id: String,
    /// Its address.
    #[schema(format = "email", examples("ada@example.com"))]
    pub(crate) email: String,
    /// Always true.
    pub(crate) is_active: bool,
    /// What happened, for people.
    pub(crate) message: String,
}

/// Another code is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResendCodeResponse {
    /// Where it is mailed.
    #[schema(format = "email", examples("ada@example.com"))]
    pub(crate) email: String,
    /// What happens next, for people.
    pub(crate) message: String,
}
