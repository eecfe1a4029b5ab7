//! Every problem the API can answer with: its stable code, its status and what it means.
//!
//! A code is never renamed and its meaning never changes: clients branch on it.

use actix_web::http::StatusCode;

use super::public_url::PublicUrl;
use super::texts::{Language, Translated};

/// Declares each kind together with all its properties, so that none can be missing, its texts in
/// any language included.
macro_rules! problem_kinds {
    (
        $($kind:ident $status:ident $code:literal
            en $title:literal $meaning:literal
            fr $title_fr:literal $meaning_fr:literal;)*
    ) => {
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
            pub(crate) fn title(self, language: Language) -> &'static str {
                match self { $(Self::$kind => Translated { en: $title, fr: $title_fr },)* }
                    .choose(language)
            }

            /// What it means and what to do about it, for the documentation and as the default
            /// detail.
            pub(crate) fn meaning(self, language: Language) -> &'static str {
                match self { $(Self::$kind => Translated { en: $meaning, fr: $meaning_fr },)* }
                    .choose(language)
            }
        }
    };
}

problem_kinds! {
    BadRequest BAD_REQUEST "bad-request"
        en "Bad request" "The Host header is not the name of a host (RFC 9112 section 3.2)."
        fr "Requête incorrecte" "L’en-tête Host n’est pas le nom d’un hôte (RFC 9112, section 3.2).";
    MalformedJson BAD_REQUEST "malformed-json"
        en "Malformed JSON" "The body is not a complete JSON document in UTF-8 (RFC 8259), or is nested too deeply."
        fr "JSON mal formé" "Le corps n’est pas un document JSON complet en UTF-8 (RFC 8259), ou est trop imbriqué.";
    CodeInvalid BAD_REQUEST "code-invalid"
        en "Invalid code" "The code is wrong, was replaced by a newer one, or has not been mailed yet."
        fr "Code incorrect" "Le code est faux, a été remplacé par un plus récent, ou n’a pas encore été envoyé.";
    InvalidCredentials UNAUTHORIZED "invalid-credentials"
        en "Invalid credentials" "Send the registered address and its password with Basic authentication (RFC 7617), in UTF-8."
        fr "Identifiants incorrects" "Envoyez l’adresse inscrite et son mot de passe par authentification Basic (RFC 7617), en UTF-8.";
    RegistrationRefused FORBIDDEN "registration-refused"
        en "Registration refused" "The operator of this service does not accept this registration."
        fr "Inscription refusée" "L’exploitant de ce service n’accepte pas cette inscription.";
    InvalidToken UNAUTHORIZED "invalid-token"
        en "Invalid token" "The product's listener asks for its token: `Authorization: Bearer` and the token (RFC 6750)."
        fr "Jeton incorrect" "L’accès du produit demande son jeton\u{202f}: `Authorization: Bearer` et le jeton (RFC 6750).";
    WrongCredentials UNAUTHORIZED "wrong-credentials"
        en "Wrong credentials" "No account has this address and this password."
        fr "Identifiants faux" "Aucun compte n’a cette adresse et ce mot de passe.";
    NotActive FORBIDDEN "not-active"
        en "Not active" "The password is right, but the account waits for its code."
        fr "Compte inactif" "Le mot de passe est juste, mais le compte attend son code.";
    UserNotFound NOT_FOUND "user-not-found"
        en "User not found" "There is no such account, or it was deleted, or its registration was made anew."
        fr "Compte introuvable" "Ce compte n’existe pas, a été supprimé, ou son inscription a été refaite.";
    NotFound NOT_FOUND "not-found"
        en "Not found" "There is nothing at this path. The API is described at /docs."
        fr "Introuvable" "Il n’y a rien à ce chemin. L’API est décrite sous /docs.";
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed"
        en "Method not allowed" "This path does not support the method; the Allow header lists the methods it supports."
        fr "Méthode non autorisée" "Ce chemin ne prend pas en charge la méthode\u{202f}; l’en-tête Allow énumère celles qu’il prend en charge.";
    NotAcceptable NOT_ACCEPTABLE "not-acceptable"
        en "Not acceptable" "Answers are application/json, and problems application/problem+json; the Accept header excludes both."
        fr "Format non acceptable" "Les réponses sont en application/json, et les problèmes en application/problem+json\u{202f}; l’en-tête Accept exclut les deux.";
    RequestTimeout REQUEST_TIMEOUT "request-timeout"
        en "Request timeout" "The body did not arrive in time."
        fr "Délai dépassé" "Le corps n’est pas arrivé à temps.";
    EmailTaken CONFLICT "email-taken"
        en "Address taken" "The address belongs to an active account, or to a registration whose code is still valid."
        fr "Adresse déjà prise" "L’adresse appartient à un compte actif, ou à une inscription dont le code est encore valable.";
    AlreadyActive CONFLICT "already-active"
        en "Already active" "The account is already active."
        fr "Compte déjà actif" "Le compte est déjà actif.";
    CodeExpired GONE "code-expired"
        en "Code expired" "The code has expired. Request another one."
        fr "Code expiré" "Le code a expiré. Demandez-en un autre.";
    PayloadTooLarge PAYLOAD_TOO_LARGE "payload-too-large"
        en "Payload too large" "A body may have at most 16 KiB."
        fr "Corps trop volumineux" "Un corps peut avoir au plus 16\u{a0}Kio.";
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported-media-type"
        en "Unsupported media type" "Send the body as application/json, in UTF-8 and without a content coding."
        fr "Type de contenu non pris en charge" "Envoyez le corps en application/json, en UTF-8 et sans codage de contenu.";
    ValidationFailed UNPROCESSABLE_ENTITY "validation-failed"
        en "Validation failed" "The body is valid JSON but not a valid request; `errors` lists each error with its JSON pointer."
        fr "Données non valables" "Le corps est du JSON correct mais pas une demande valable\u{202f}; `errors` énumère chaque erreur avec son pointeur JSON.";
    RateLimited TOO_MANY_REQUESTS "rate-limited"
        en "Too many requests" "Try again after the time in the Retry-After header."
        fr "Trop de demandes" "Réessayez après le délai qu’indique l’en-tête Retry-After.";
    TooManyAttempts TOO_MANY_REQUESTS "too-many-attempts"
        en "Too many attempts" "There were too many guesses at this code, at the codes of this address, or by this client."
        fr "Trop d’essais" "Il y a eu trop d’essais pour ce code, pour les codes de cette adresse ou par ce client.";
    InternalError INTERNAL_SERVER_ERROR "internal-error"
        en "Internal error" "Something went wrong on our side. It is logged under the X-Request-Id of this answer."
        fr "Erreur interne" "Une erreur s’est produite de notre côté. Elle est journalisée sous le X-Request-Id de cette réponse.";
    Overloaded SERVICE_UNAVAILABLE "overloaded"
        en "Overloaded" "There are more requests than the service can handle. Try again after the time in the Retry-After header."
        fr "Surcharge" "Il y a plus de demandes que le service ne peut en traiter. Réessayez après le délai qu’indique l’en-tête Retry-After.";
    Unavailable SERVICE_UNAVAILABLE "unavailable"
        en "Temporarily unavailable" "A dependency that this request needs is not available. Try again after the time in the Retry-After header."
        fr "Momentanément indisponible" "Un service dont cette demande a besoin n’est pas disponible. Réessayez après le délai qu’indique l’en-tête Retry-After.";
}

/// What only the API answers with.
const OF_API: &[ProblemKind] = &[
    ProblemKind::CodeInvalid,
    ProblemKind::InvalidCredentials,
    ProblemKind::EmailTaken,
    ProblemKind::AlreadyActive,
    ProblemKind::CodeExpired,
    ProblemKind::TooManyAttempts,
];

/// What only the product's listener answers with.
const OF_PRODUCT: &[ProblemKind] = &[
    ProblemKind::InvalidToken,
    ProblemKind::WrongCredentials,
    ProblemKind::NotActive,
    ProblemKind::UserNotFound,
];

impl ProblemKind {
    /// The kinds that the API answers with.
    pub(crate) fn of_api() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| !OF_PRODUCT.contains(kind))
    }

    /// The kinds that the product's listener answers with.
    pub(crate) fn of_product() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| !OF_API.contains(kind))
    }

    /// The `type` of RFC 9457 section 3.1.1: a link to the documentation of the API there.
    pub(crate) fn type_uri(self, public_url: &PublicUrl) -> String {
        format!("{public_url}/docs/problems#{}", self.code())
    }
}
