//! Which passwords an attacker tries first: the most common ones and what belongs to the address,
//! in their everyday spellings. Costs microseconds, on the thread that serves the request.

use domain::EmailAddress;

use super::folding::{lower_case, starts_with};
use super::patterns::{is_sequence, is_short, is_year, repeated_unit};
use super::word_list::is_listed;

/// Shorter words of the address say too little to be looked for.
const SHORTEST_WORD: usize = 3;
/// The list has no shorter words, and shorter sequences are in many numbers.
const SHORTEST_CORE: usize = 4;
/// A year and a sign.
const LONGEST_ADDITION: usize = 5;
/// What stands between the words of an address.
const SEPARATORS: [char; 6] = ['.', '-', '_', '+', '@', ' '];
/// How many other characters beside the words of an address make no password of them.
const FEW: usize = 3;

/// Whether `password` is common or made of `email`.
pub(super) fn is_common(password: &str, email: &EmailAddress) -> bool {
    let characters = lower_case(password);
    let address = email.lookup_key();
    let mut words: Vec<&str> = address.split(|c: char| !c.is_alphanumeric()).collect();
    words.extend([email.domain(), address.as_str()]);
    words.extend(address.split_once('@').map(|(local, _)| local));
    words.retain(|word| word.chars().count() >= SHORTEST_WORD);
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    cores(&characters).any(|core| is_guessed_first(core) || is_made_of(core, &words))
}

fn is_guessed_first(core: &[char]) -> bool {
    is_listed(core)
        || is_sequence(core)
        || repeated_unit(core)
            .is_some_and(|unit| is_short(unit) || is_listed(unit) || is_sequence(unit))
}

/// `password` itself, and what is left of it without what people put before and after a word so
/// that it passes for a password.
fn cores(password: &[char]) -> impl Iterator<Item = &[char]> {
    (0..=LONGEST_ADDITION.min(password.len())).flat_map(move |start| {
        let (before, rest) = password.split_at(start);
        let endings =
            if is_everyday_addition(before) { LONGEST_ADDITION.min(rest.len()) + 1 } else { 0 };
        (0..endings).filter_map(move |length| {
            let (core, after) = rest.split_at(rest.len() - length);
            let is_core = core.len() >= SHORTEST_CORE
                && is_everyday_addition(after)
                && (start == 0 || !is_digits_and_signs(core));
            is_core.then_some(core)
        })
    })
}

/// One or two digits or signs; a year; a count as `123`; one of these two and a sign.
fn is_everyday_addition(addition: &[char]) -> bool {
    let counts = |digits: &[char]| is_year(digits) || (digits.len() > 2 && is_sequence(digits));
    is_digits_and_signs(addition)
        && match addition {
            [] | [_] | [_, _] => true,
            [digits @ .., sign] => counts(addition) || (!sign.is_ascii_digit() && counts(digits)),
        }
}

fn is_digits_and_signs(characters: &[char]) -> bool {
    characters.iter().all(|character| character.is_ascii() && !character.is_ascii_alphabetic())
}

/// Whether `text` is one or several of `words`, longest first, with hardly anything beside them.
fn is_made_of(text: &[char], words: &[&str]) -> bool {
    let (mut rest, mut found, mut others) = (text, false, 0);
    while let [first, after @ ..] = rest {
        if let Some(word) = words.iter().find(|word| starts_with(rest, word)) {
            found = true;
            rest = &rest[word.chars().count()..];
        } else {
            others += usize::from(!SEPARATORS.contains(first));
            rest = after;
        }
        if others > FEW {
            return false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn is_refused(password: &str) -> bool {
        is_common(password, &EmailAddress::parse("Ada.Lovelace@example.com").unwrap())
    }

    #[test]
    fn asvs_6_2_4_the_most_common_passwords_are_refused() {
        for password in
            ["password", "password1", "12345678", "qwertyuiop", "iloveyou", "football", "P@ssw0rd"]
        {
            assert!(is_refused(password), "{password}");
        }
    }

    #[test]
    fn asvs_6_2_11_passwords_made_of_the_address_are_refused() {
        for password in [
            "ada.lovelace@example.com",
            "Ada.Lovelace",
            "lovelace",
            "lovelace1",
            "example.com",
            "L0v31@ce-1987!",
            "ada_lovelace",
            "exampleexample",
        ] {
            assert!(is_refused(password), "{password}");
        }
    }

    #[test]
    fn asvs_6_2_5_no_kind_of_character_is_asked_for() {
        for password in [
            "correct horse battery",
            "mlkqsdfuiop",
            "83619402758",
            "пароль надёжный",
            "🐎🔋📎✅🌈🦊🐙🎻",
            "com🐎🔋📎✅🌈",
            "ada plays chess",
        ] {
            assert!(!is_refused(password), "{password}");
        }
    }

    #[test]
    fn asvs_15_2_2_no_password_takes_long_to_check() {
        let fastest = |password: &str| {
            let time = |()| {
                let started = Instant::now();
                is_refused(password);
                started.elapsed().as_secs_f64()
            };
            [(); 5].map(time).into_iter().fold(f64::INFINITY, f64::min)
        };
        let fill = |part: &str| part.chars().cycle().take(128).collect::<String>();
        let everyday = fastest(&fill("correct horse battery staple "));
        for part in
            ["4@8({[<3691!|70$5+%2", "1234567890!|[", "17!|$0", "12", "a", "lovelace.", "1987"]
        {
            let ratio = fastest(&fill(part)) / everyday;
            println!("128 characters of {part} take {ratio:.1} times as long as a passphrase");
            assert!(ratio < 50.0, "128 characters of {part} take {ratio} times as long");
        }
    }

    proptest! {
        // At least 2,000 cases; `PROPTEST_CASES` asks for more.
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

        #[test]
        fn fuzz_no_password_makes_the_check_panic(
            password in "\\PC{0,130}|[a-z0-9]{8,40}|[12qwertzuiop]{8,40}|(12|qw|az|zx){4,20}|[0-9./-]{8,40}",
        ) {
            is_refused(&password);
        }
    }
}
