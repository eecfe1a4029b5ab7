//! The list against zxcvbn, which estimates how many guesses a password takes: of the everyday
//! variants of common passwords that it would refuse, hardly any may be accepted.

use std::time::{Duration, Instant};

use domain::EmailAddress;

use super::common::is_common;
use super::word_list::COMMON_PASSWORDS;

/// Fewer guesses than the 10,000 most common passwords with a digit take.
const COMMON_GUESSES: u64 = 12_000;
/// Every so many lines of the list; all would take minutes.
const STEP: usize = 5;
/// What zxcvbn takes for letters.
const LEET: [(char, &str); 12] = [
    ('a', "4@"),
    ('b', "8"),
    ('c', "({[<"),
    ('e', "3"),
    ('g', "69"),
    ('i', "1!|"),
    ('l', "1|7"),
    ('o', "0"),
    ('s', "$5"),
    ('t', "+7"),
    ('x', "%"),
    ('z', "2"),
];

/// A sequence of numbers that is the same in every run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

fn capitalise(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Replaces each letter that a sign resembles with the given chance in a hundred.
fn in_leet(word: &str, chance: usize, numbers: &mut Numbers) -> String {
    let replace = |letter: char| match LEET.iter().find(|(plain, _)| *plain == letter) {
        Some((_, signs)) if numbers.below(100) < chance => {
            signs.chars().nth(numbers.below(signs.len())).unwrap()
        }
        _ => letter,
    };
    word.chars().map(replace).collect()
}

fn variants(word: &str, numbers: &mut Numbers) -> Vec<String> {
    let digit = numbers.below(10);
    let year = 1950 + numbers.below(80);
    let leet = in_leet(word, 100, numbers);
    vec![
        word.to_owned(),
        word.to_uppercase(),
        capitalise(word),
        in_leet(word, 50, numbers),
        capitalise(&leet),
        format!("{word}{digit}"),
        format!("{}{digit}", capitalise(word)),
        format!("{leet}{digit}"),
        format!("{word}{year}"),
        format!("{}{year}", capitalise(word)),
        format!("{leet}{year}"),
        format!("{word}!"),
        format!("{digit}{word}"),
        word.repeat(2),
        leet,
    ]
}

#[test]
fn asvs_6_2_4_variants_of_common_passwords_are_refused_as_zxcvbn_does() {
    let email = EmailAddress::parse("Ada.Lovelace@example.com").unwrap();
    let numbers = &mut Numbers(1);
    let (mut refused, mut accepted) = (0, Vec::new());
    let (mut theirs, mut ours) = (Duration::ZERO, Duration::ZERO);
    for word in COMMON_PASSWORDS.lines().step_by(STEP) {
        for variant in variants(word, numbers).into_iter().filter(|text| text.chars().count() >= 8)
        {
            let started = Instant::now();
            let is_guessed = zxcvbn::zxcvbn(&variant, &[]).guesses() <= COMMON_GUESSES;
            theirs += started.elapsed();
            let started = Instant::now();
            let is_refused = is_common(&variant, &email);
            ours += started.elapsed();
            refused += usize::from(is_guessed);
            if is_guessed && !is_refused {
                accepted.push(variant);
            }
        }
    }
    println!(
        "of {refused} variants that zxcvbn refuses, {} are accepted: {accepted:?}; \
         zxcvbn takes {:.0} times as long",
        accepted.len(),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
    assert!(refused > 1_000, "zxcvbn refuses {refused} variants only");
    assert!(accepted.len() * 100 < refused, "accepted: {accepted:?}");
}
