//! What a successful answer says: what happens next.

use super::language::{Language, Translated};

/// What happens next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Announcement {
    /// A code is mailed, which counts for so long.
    Code { seconds: u64 },
    /// The same, or not: in conceal mode nobody is told.
    PerhapsCode,
    /// A further code is mailed.
    AnotherCode { seconds: u64 },
    /// The same, or not.
    PerhapsAnotherCode,
    /// Nothing has to happen any more.
    Active,
}

impl Announcement {
    /// The text.
    pub(crate) fn text(self, language: Language) -> String {
        match self {
            Self::Code { seconds } => Translated {
                en: format!("A code is on its way. {}", deadline(seconds).en),
                fr: format!("Un code est en route. {}", deadline(seconds).fr),
            },
            Self::PerhapsCode => Translated {
                en: "If this address can be registered, a code is on its way to it.".to_owned(),
                fr: "Si cette adresse peut être inscrite, un code est en route vers elle.".to_owned(),
            },
            Self::AnotherCode { seconds } => Translated {
                en: format!("Another code is on its way. {}", deadline(seconds).en),
                fr: format!("Un autre code est en route. {}", deadline(seconds).fr),
            },
            Self::PerhapsAnotherCode => Translated {
                en: "If a registration with this address and password waits for its code, another one is on its way.".to_owned(),
                fr: "Si une inscription avec cette adresse et ce mot de passe attend son code, un autre est en route.".to_owned(),
            },
            Self::Active => Translated {
                en: "The account is active.".to_owned(),
                fr: "Le compte est actif.".to_owned(),
            },
        }
        .choose(language)
    }
}

fn deadline(seconds: u64) -> Translated<String> {
    let unit = if seconds == 1 {
        Translated { en: "second", fr: "seconde" }
    } else {
        Translated { en: "seconds", fr: "secondes" }
    };
    Translated {
        en: format!("Send it back within {seconds} {} after it is mailed.", unit.en),
        fr: format!("Renvoyez-le dans les {seconds}\u{a0}{} qui suivent son envoi.", unit.fr),
    }
}
