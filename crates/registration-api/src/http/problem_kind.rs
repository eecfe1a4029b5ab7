//! Every problem the API can answer with: its stable code, its status and what it means.
//!
//! A code is never renamed and its meaning never changes: clients branch on it.

use actix_web::http::StatusCode;

use super::public_url::PublicUrl;

/// Declares each kind together with all its properties, so that none can be missing.
macro_rules! problem_kinds {
    ($($kind:ident $status:ident $code:literal $title:literal $meaning:literal;)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ProblemKind { $(#[doc = $title] $kind,)* }

        impl ProblemKind {
            /// All kinds.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The HTTP status it is answered with.
            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }

            /// The stable code that clients branch on.
            pub(crate) fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            /// One human-readable line; the same for every occurrence.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// What it means and what to do about it, for the documentation and as the default
            /// detail.
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }
        }
    };
}

problem_kinds! {
    BadRequest BAD_REQUEST "bad-request" "Bad request"
        "The Host header is not the name of a host (RFC 9112 section 3.2).";
    MalformedJson BAD_REQUEST "malformed-json" "Malformed JSON"
        "The body is not a complete JSON document in UTF-8 (RFC 8259), or is nested too deeply.";
    CodeInvalid BAD_REQUEST "code-invalid" "Invalid code"
        "The code is wrong, was replaced by a newer one, or has not been mailed yet.";
    InvalidCredentials UNAUTHORIZED "invalid-credentials" "Invalid credentials"
        "Send the registered address and its password with Basic authentication (RFC 7617), in UTF-8.";
    RegistrationRefused FORBIDDEN "registration-refused" "Registration refused"
        "The operator of this service does not accept this registration.";
    NotFound NOT_FOUND "not-found" "Not found"
        "There is nothing at this path. The API is described at /docs.";
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed" "Method not allowed"
        "This path does not support the method; the Allow header lists the methods it supports.";
    NotAcceptable NOT_ACCEPTABLE "not-acceptable" "Not acceptable"
        "Answers are application/json, and problems application/problem+json; the Accept header excludes both.";
    RequestTimeout REQUEST_TIMEOUT "request-timeout" "Request timeout"
        "The body did not arrive in time.";
    EmailTaken CONFLICT "email-taken" "Address taken"
        "The address belongs to an active account, or to a registration whose code is still valid.";
    AlreadyActive CONFLICT "already-active" "Already active"
        "The account is already active.";
    CodeExpired GONE "code-expired" "Code expired"
        "The code has expired. Request another one.";
    PayloadTooLarge PAYLOAD_TOO_LARGE "payload-too-large" "Payload too large"
        "A body may have at most 16 KiB.";
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "Unsupported media type"
        "Send the body as application/json, in UTF-8 and without a content coding.";
    ValidationFailed UNPROCESSABLE_ENTITY "validation-failed" "Validation failed"
        "The body is valid JSON but not a valid request; `errors` lists each error with its JSON pointer.";
    RateLimited TOO_MANY_REQUESTS "rate-limited" "Too many requests"
        "Try again after the time in the Retry-After header.";
    TooManyAttempts TOO_MANY_REQUESTS "too-many-attempts" "Too many attempts"
        "There were too many guesses at this code, at the codes of this address, or by this client.";
    InternalError INTERNAL_SERVER_ERROR "internal-error" "Internal error"
        "Something went wrong on our side. It is logged under the X-Request-Id of this answer.";
    Overloaded SERVICE_UNAVAILABLE "overloaded" "Overloaded"
        "There are more requests than the service can handle. Try again after the time in the Retry-After header.";
    Unavailable SERVICE_UNAVAILABLE "unavailable" "Temporarily unavailable"
        "A dependency that this request needs is not available. Try again after the time in the Retry-After header.";
}

impl ProblemKind {
    /// The `type` of RFC 9457 section 3.1.1: a link to the documentation of the API there.
    pub(crate) fn type_uri(self, public_url: &PublicUrl) -> String {
        format!("{public_url}/docs/problems#{}", self.code())
    }
}
