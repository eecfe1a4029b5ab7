//! Passwords that a rule spells out.

/// A unit of up to this many characters gains nothing from being repeated.
const SHORT_UNIT: usize = 4;
/// No unit longer than this is worth looking for: it is hardly a word.
const LONGEST_UNIT: usize = 16;

/// Characters that follow each other at one distance: `aaaaaaaa`, `abcdefgh`, `97531`.
pub(super) fn is_sequence(characters: &[char]) -> bool {
    let distance = |pair: &[char]| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0]));
    let mut distances = characters.windows(2).map(distance);
    let Some(first) = distances.next() else { return false };
    first.abs() <= 5 && distances.all(|other| other == first)
}

/// What `characters` repeats at least twice, the last time perhaps only in part.
pub(super) fn repeated_unit(characters: &[char]) -> Option<&[char]> {
    let repeats = |length: usize| characters[length..] == characters[..characters.len() - length];
    let longest = LONGEST_UNIT.min(characters.len() / 2);
    (1..=longest).find(|&length| repeats(length)).map(|length| &characters[..length])
}

/// Whether a unit is easily guessed for its length alone.
pub(super) fn is_short(unit: &[char]) -> bool {
    unit.len() <= SHORT_UNIT
}

/// Whether `characters` are a year that somebody alive may mean.
pub(super) fn is_year(characters: &[char]) -> bool {
    matches!(characters, ['1', '9', _, _] | ['2', '0', _, _])
        && characters.iter().all(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn sequences_have_one_distance() {
        for text in ["aaaaaaaa", "abcdefgh", "87654321", "acegikmo", "абвгдежз"] {
            assert!(is_sequence(&characters(text)), "{text}");
        }
        for text in ["", "a", "abcdefgi", "agmsy", "83619402758"] {
            assert!(!is_sequence(&characters(text)), "{text}");
        }
    }

    #[test]
    fn the_shortest_repeated_unit_is_found() {
        for (text, unit) in [
            ("aaaa", "a"),
            ("abcabcab", "abc"),
            ("monkeymonkey", "monkey"),
            ("monkeymonkeymonk", "monkey"),
        ] {
            assert_eq!(repeated_unit(&characters(text)), Some(&*characters(unit)), "{text}");
        }
        for text in ["", "a", "ab", "monkeymonk", "abcabcx"] {
            assert_eq!(repeated_unit(&characters(text)), None, "{text}");
        }
    }

    #[test]
    fn years_are_those_of_this_century_and_the_last() {
        assert!(is_year(&characters("1987")) && is_year(&characters("2031")));
        for text in ["1887", "2100", "19a7", "198", "19870"] {
            assert!(!is_year(&characters(text)), "{text}");
        }
    }
}
