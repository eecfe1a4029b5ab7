//! What is wrong with a field of a body.

use domain::{EmailAddressError, LanguageTag, LanguageTagError, PasswordError, SolutionError};

use super::language::{Language, Translated};

/// What is wrong with a field. None of the texts repeats its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldText {
    Missing,
    Duplicate,
    NotAString,
    NotAnObject,
    /// There is no such field.
    Unknown,
    /// The identifier of a user is a UUID.
    NotAUuid,
    /// A client is named by its address.
    NotAnIpAddress,
    Email(EmailAddressError),
    Password(PasswordError),
    PasswordCommon,
    PasswordBreached,
    Locale(LanguageTagError),
    Code {
        digits: usize,
    },
    DomainNotAllowed,
    EmailDisposable,
    Solution(SolutionError),
    ChallengeUsed,
}

impl FieldText {
    /// The text.
    pub(crate) fn text(&self, language: Language) -> String {
        match self {
            Self::Email(error) => {
                Translated { en: error.to_string(), fr: email_in_french(*error).to_owned() }
            }
            Self::Password(error) => {
                Translated { en: error.to_string(), fr: password_in_french(error) }
            }
            Self::Locale(error) => {
                Translated { en: error.to_string(), fr: locale_in_french(error) }
            }
            Self::Code { digits } => Translated {
                en: format!("a code has exactly {digits} digits"),
                fr: format!("un code a exactement {digits}\u{a0}chiffres"),
            },
            Self::DomainNotAllowed => fixed(
                "addresses of this domain cannot be registered here",
                "les adresses de ce domaine ne peuvent pas être inscrites ici",
            ),
            Self::EmailDisposable => fixed(
                "disposable addresses cannot be registered here; use another one",
                "les adresses jetables ne peuvent pas être inscrites ici\u{202f}; utilisez-en une autre",
            ),
            Self::Solution(error) => {
                Translated { en: error.to_string(), fr: solution_in_french(*error).to_owned() }
            }
            Self::ChallengeUsed => fixed(
                "the challenge has been used; ask for another one",
                "le défi a déjà servi\u{202f}; demandez-en un autre",
            ),
            Self::Missing => fixed("this field is required", "ce champ est obligatoire"),
            Self::Duplicate => {
                fixed("this field occurs more than once", "ce champ figure plus d’une fois")
            }
            Self::NotAString => fixed("a string is required", "une chaîne est requise"),
            Self::NotAnObject => fixed("a JSON object is required", "un objet JSON est requis"),
            Self::Unknown => fixed("there is no such field", "ce champ n’existe pas"),
            Self::NotAUuid => fixed("a UUID is required", "un UUID est requis"),
            Self::NotAnIpAddress => {
                fixed("an IPv4 or IPv6 address is required", "une adresse IPv4 ou IPv6 est requise")
            }
            Self::PasswordCommon => fixed(
                "this password is among the first that an attacker would try; choose another one",
                "ce mot de passe est parmi les premiers qu’un attaquant essaierait\u{202f}; \
                 choisissez-en un autre",
            ),
            Self::PasswordBreached => fixed(
                "this password is known from a data breach; choose another one",
                "ce mot de passe figure dans une fuite de données\u{202f}; choisissez-en un autre",
            ),
        }
        .choose(language)
    }
}

fn fixed(en: &str, fr: &str) -> Translated<String> {
    Translated { en: en.to_owned(), fr: fr.to_owned() }
}

fn email_in_french(error: EmailAddressError) -> &'static str {
    match error {
        EmailAddressError::Empty => "une adresse e-mail est requise",
        EmailAddressError::TooLong => {
            "une adresse e-mail a au plus 64\u{a0}caractères avant le @ et 254 en tout"
        }
        EmailAddressError::LocalPartNotAscii => {
            "seuls les caractères ASCII sont pris en charge avant le @"
        }
        EmailAddressError::Malformed => {
            "ce n’est pas une adresse e-mail de la forme nom@example.com"
        }
    }
}

fn password_in_french(error: &PasswordError) -> String {
    match error {
        PasswordError::TooShort(min) => format!("un mot de passe a au moins {min}\u{a0}caractères"),
        PasswordError::TooLong(max) => format!("un mot de passe a au plus {max}\u{a0}caractères"),
        PasswordError::ControlCharacter => {
            "un mot de passe n’a pas de caractères de contrôle, qui \
             ne pourraient pas être envoyés par authentification Basic"
                .to_owned()
        }
    }
}

fn solution_in_french(error: SolutionError) -> &'static str {
    match error {
        SolutionError::Wrong => "ceci ne résout aucun défi de ce service",
        SolutionError::Expired => "le défi a expiré\u{202f}; demandez-en un autre",
    }
}

fn locale_in_french(error: &LanguageTagError) -> String {
    match error {
        LanguageTagError::TooLong => {
            format!("une étiquette de langue a au plus {}\u{a0}caractères", LanguageTag::MAX_LENGTH)
        }
        LanguageTagError::Malformed => {
            "ce n’est pas une étiquette de langue (BCP 47), comme fr ou pt-BR".to_owned()
        }
    }
}
