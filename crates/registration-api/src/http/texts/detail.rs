//! What went wrong in one case, where more can be said than the kind of problem.

use std::borrow::Cow;

use super::language::{Language, Translated};
use crate::http::problem_kind::ProblemKind;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What every problem of this kind means.
    Meaning(ProblemKind),
    /// One refusal for everything, in conceal mode.
    Concealed,
    /// The fields have errors.
    SeeErrors,
    /// The parameters have errors.
    SeeTargetErrors,
    /// Somebody was faster.
    CodeUsed,
    /// There is a newer code.
    CodeReplaced,
    /// Not this code.
    CodeWrong { attempts_left: u32 },
    /// The mail server has not accepted it yet.
    CodeNotMailed,
    /// This code has had all its attempts.
    CodeTriedTooOften,
    /// The codes of this address have.
    AddressTriedTooOften,
    /// This client has.
    ClientTriedTooOften,
}

impl Detail {
    /// The text.
    pub(crate) fn text(self, language: Language) -> Cow<'static, str> {
        match self {
            Self::Meaning(kind) => return kind.meaning(language).into(),
            Self::CodeWrong { attempts_left } => explain_wrong_code(attempts_left),
            Self::Concealed => fixed(
                "address, password or code not accepted",
                "adresse, mot de passe ou code non accepté",
            ),
            Self::SeeErrors => fixed(
                "The body is valid JSON but not a valid request: see the errors.",
                "Le corps est du JSON correct mais pas une demande valable\u{a0}: voir les erreurs.",
            ),
            Self::SeeTargetErrors => fixed(
                "The path or the query has errors; a parameter is pointed to as a field is.",
                "Le chemin ou la requête a des erreurs\u{a0}; un paramètre est désigné comme un champ.",
            ),
            Self::CodeUsed => fixed(
                "The code has already been used. If the account is not active in a moment, request another one.",
                "Le code a déjà été utilisé. Si le compte n’est pas actif dans un instant, demandez-en un autre.",
            ),
            Self::CodeReplaced => fixed(
                "The code is wrong: a newer one was requested.",
                "Le code est faux\u{a0}: un plus récent a été demandé.",
            ),
            Self::CodeNotMailed => fixed(
                "The mail with the code is still on its way.",
                "Le message avec le code est encore en route.",
            ),
            Self::CodeTriedTooOften => fixed(
                "The code was tried too often and is no longer valid. Request another one.",
                "Le code a été essayé trop souvent et n’est plus valable. Demandez-en un autre.",
            ),
            Self::AddressTriedTooOften => fixed(
                "Too many codes were guessed for this address. Wait before the next attempt.",
                "Trop de codes ont été essayés pour cette adresse. Attendez avant le prochain essai.",
            ),
            Self::ClientTriedTooOften => fixed(
                "Too many wrong codes were sent from this client. Wait before the next attempt.",
                "Trop de codes faux ont été envoyés par ce client. Attendez avant le prochain essai.",
            ),
        }
        .choose(language)
    }
}

fn fixed(en: &'static str, fr: &'static str) -> Translated<Cow<'static, str>> {
    Translated { en: en.into(), fr: fr.into() }
}

fn explain_wrong_code(attempts_left: u32) -> Translated<Cow<'static, str>> {
    match attempts_left {
        0 => fixed(
            "The code is wrong. It cannot be tried again: request another one.",
            "Le code est faux. Il ne peut plus être essayé\u{a0}: demandez-en un autre.",
        ),
        1 => fixed(
            "The code is wrong. It can be tried once more.",
            "Le code est faux. Il peut être essayé encore une fois.",
        ),
        left => Translated {
            en: format!("The code is wrong. It can be tried {left} more times.").into(),
            fr: format!("Le code est faux. Il peut être essayé encore {left}\u{a0}fois.").into(),
        },
    }
}
