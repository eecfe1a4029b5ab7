//! `POST /api/v1/users/register`.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use domain::{
    LanguageTag, LanguageTagError, Languages, Password, PasswordError, PasswordLength, Solution,
    TraceParent,
};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema};

use super::code_announcement::CodeAnnouncement;
use super::language_header::LanguageHeader;
use crate::admission::NotAdmitted;
use crate::http::accept_language::wanted_languages;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::json_body::{self, Fields};
use crate::http::problem::{FieldError, Problem};
use crate::http::problem_kind::ProblemKind;
use crate::http::problem_responses::{
    BODY_PROBLEMS, NEGOTIATION_PROBLEMS, USE_CASE_PROBLEMS, describe_problems,
};
use crate::http::proof_of_work::ProofOfWork;
use crate::http::state::AppState;
use crate::http::texts::{Announcement, FieldText, Language};
use crate::limits::{Action, RequestLimits};
use crate::password_policy::PasswordRefused;
use crate::use_cases::{RegisterError, Registered, Registration};

/// The address to register and its password.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; json_body reads it")]
struct RegisterRequest {
    /// Where the code is mailed to. At most 254 characters; internationalised domains are accepted.
    #[schema(format = "email", max_length = 254, examples("ada@example.com"))]
    email: String,
    /// Any characters except control characters; there are no composition rules. Neither trimmed
    /// nor cut. The same text in another Unicode form (NFC, NFD), or with other spaces than U+0020,
    /// is the same password.
    #[schema(
        format = "password",
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        examples("correct horse battery staple")
    )]
    password: String,
    /// A solved challenge of `/api/v1/users/challenge`.
    #[schema(
        format = "byte",
        examples("eyJhbGdvcml0aG0iOiJTSEEtMjU2IiwiY2hhbGxlbmdlIjoi4oCmIn0=")
    )]
    proof_of_work: String,
    /// The language of the mails, as a tag of BCP 47. Without it the languages of the header
    /// `Accept-Language` are tried in turn; where there is no text in any of them, the mails are in
    /// the default language of the service.
    // The grammar of RFC 5646 section 2.1, without what was registered before it.
    #[schema(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 35,
        pattern = r"^([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[Xx](-[A-Za-z0-9]{1,8})+)?$",
        examples("fr-CA")
    )]
    locale: Option<String>,
}

/// A registration whose code is on its way.
#[derive(Serialize, ToSchema)]
struct RegisterResponse {
    /// Identifies the registration (UUIDv7, RFC 9562).
    #[schema(format = "uuid", examples("01890a5d-ac96-774b-bcce-b302099a8057"))]
    user_id: String,
    /// The address that mails are sent to.
    #[schema(format = "email", examples("ada@example.com"))]
    email: String,
    /// A human-readable note on what happens next.
    #[schema(examples(
        "A code is on its way. Send it back within 60 seconds after it is mailed."
    ))]
    message: String,
}

struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe_problems(&[
            NEGOTIATION_PROBLEMS,
            BODY_PROBLEMS,
            USE_CASE_PROBLEMS,
            &[ProblemKind::EmailTaken, ProblemKind::RegistrationRefused],
        ])
    }
}

/// Claim an address
///
/// Mails a code to the address. The account becomes active once the code is sent to
/// `/api/v1/users/activate` in time. An address whose code has expired unused can be claimed again.
///
/// If the answer is lost on its way, request another code with the same address and password at
/// `/api/v1/users/resend-code`. If that is refused with 401, register again.
#[utoipa::path(
    post,
    path = "/api/v1/users/register",
    operation_id = "register",
    tag = "users",
    params(LanguageHeader),
    request_body = RegisterRequest,
    responses(
        (
            status = 201, description = "The address is claimed and its code is on its way.", body = RegisterResponse,
            headers(("Content-Language" = String, description = "The language of the texts."))
        ),
        (
            status = 202,
            description = "Accepted. The answer for every address if the service conceals which ones are registered.",
            body = CodeAnnouncement,
            headers(("Content-Language" = String, description = "The language of the texts."))
        ),
        Problems
    )
)]
pub(crate) async fn register(
    _: AcceptsJson,
    state: Data<AppState>,
    trace: ReqData<TraceParent>,
    limits: ReqData<RequestLimits>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = json_body::read(&request, payload, state.options.body_timeout);
    if let Err(overloaded) = state.register.check_capacity() {
        // An unread body would close the connection, and the client would have to open another one.
        body.await?;
        return Err(overloaded.into());
    }
    limits.check_client(Action::Register).await?;
    let fields = body.await?;
    let accepted = wanted_languages(&request);
    let language = Language::of(&accepted);
    let proof_of_work = state.proof_of_work.as_ref();
    let (registration, solution) =
        validate(fields, accepted, state.options.password_length, proof_of_work)?;
    if let (Some(proof), Some(solution)) = (proof_of_work, solution) {
        let digest = &solution.challenge.digest;
        let spent = limits.spend_challenge(digest, proof.options.expiry).await;
        spent.map_err(|_| challenge_used())?;
    }
    let address = registration.email.as_str().to_owned();
    let registered = state.register.execute(registration, *trace, &limits).await?;
    let seconds = state.options.code_window.as_secs();
    Ok(match registered {
        Registered::Claimed { user_id } => {
            language.respond(StatusCode::CREATED).json(RegisterResponse {
                user_id: user_id.to_string(),
                email: address,
                message: Announcement::Code { seconds }.text(language),
            })
        }
        Registered::Concealed => language.respond(StatusCode::ACCEPTED).json(CodeAnnouncement {
            email: address,
            message: Announcement::PerhapsCode.text(language),
        }),
    })
}

fn validate(
    mut fields: Fields,
    accepted: Languages,
    length: PasswordLength,
    proof_of_work: Option<&ProofOfWork>,
) -> Result<(Registration, Option<Solution>), Problem> {
    let email = fields.take_email("/email");
    let password = fields
        .take_string("/password")
        .and_then(|text| validate_password(&mut fields, text, length));
    let locale =
        fields.take_optional_string("/locale").and_then(|text| validate_locale(&mut fields, &text));
    let solution = proof_of_work.and_then(|proof| proof.take_solution(&mut fields));
    match (email, password) {
        (Some(email), Some(password)) if fields.are_valid() => {
            let languages = locale.map_or(accepted, |tag| Languages::new([tag]));
            Ok((Registration { email, password, languages }, solution))
        }
        _ => Err(fields.into_problem()),
    }
}

fn challenge_used() -> Problem {
    let (pointer, code) = ("/proof_of_work", "proof-of-work-used");
    Problem::validation_failed(vec![FieldError {
        pointer: pointer.into(),
        code,
        detail: FieldText::ChallengeUsed,
    }])
}

fn validate_password(
    fields: &mut Fields,
    text: String,
    length: PasswordLength,
) -> Option<Password> {
    let error = match Password::new(SecretString::from(text), length) {
        Ok(password) => return Some(password),
        Err(error) => error,
    };
    let code = match error {
        PasswordError::TooShort(_) => "password-too-short",
        PasswordError::TooLong(_) => "password-too-long",
        PasswordError::ControlCharacter => "password-control-character",
    };
    fields.add_error("/password", code, FieldText::Password(error));
    None
}

fn validate_locale(fields: &mut Fields, text: &str) -> Option<LanguageTag> {
    let error = match LanguageTag::parse(text) {
        Ok(tag) => return Some(tag),
        Err(error) => error,
    };
    let code = match error {
        LanguageTagError::TooLong => "locale-too-long",
        LanguageTagError::Malformed => "locale-malformed",
    };
    fields.add_error("/locale", code, FieldText::Locale(error));
    None
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Limited(limit) | RegisterError::MailsExhausted(limit) => limit.into(),
            RegisterError::EmailTaken => Self::new(ProblemKind::EmailTaken),
            RegisterError::NotAdmitted(refused) => refused.into(),
            RegisterError::Password(refused) => refused.into(),
            RegisterError::Hashing(error) => error.into(),
            RegisterError::Repository(error) => error.into(),
            RegisterError::CutShort(error) => error.into(),
        }
    }
}

impl From<NotAdmitted> for Problem {
    fn from(refused: NotAdmitted) -> Self {
        let (code, detail) = match refused {
            NotAdmitted::Domain => ("email-domain-not-allowed", FieldText::DomainNotAllowed),
            NotAdmitted::Disposable => ("email-disposable", FieldText::EmailDisposable),
            NotAdmitted::ByHook => return Self::new(ProblemKind::RegistrationRefused),
            NotAdmitted::Unchecked(error) => return error.into(),
        };
        Self::validation_failed(vec![FieldError { pointer: "/email".into(), code, detail }])
    }
}

impl From<PasswordRefused> for Problem {
    fn from(refused: PasswordRefused) -> Self {
        let (code, detail) = match refused {
            PasswordRefused::Common => ("password-common", FieldText::PasswordCommon),
            PasswordRefused::Breached => ("password-breached", FieldText::PasswordBreached),
            PasswordRefused::Unchecked(error) => return error.into(),
        };
        Self::validation_failed(vec![FieldError { pointer: "/password".into(), code, detail }])
    }
}
