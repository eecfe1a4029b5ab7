//! The most common passwords, compiled into the program and searched as they are: no set to build
//! at start, nothing on the heap. `common_passwords.md` says where they come from.

use std::cmp::Ordering;

use super::folding::fold;

/// One per line, in the order of their folded characters.
pub(super) const COMMON_PASSWORDS: &str = include_str!("common_passwords.txt");

/// Whether `word`, which is in lower case, is one of them in whatever spelling.
pub(super) fn is_listed(word: &[char]) -> bool {
    let mut rest = COMMON_PASSWORDS;
    while !rest.is_empty() {
        let middle = rest.floor_char_boundary(rest.len() / 2);
        let start = rest[..middle].rfind('\n').map_or(0, |newline| newline + 1);
        let end = rest[start..].find('\n').map_or(rest.len(), |length| start + length);
        match compare(&rest[start..end], word) {
            Ordering::Equal => return true,
            Ordering::Less => rest = rest.get(end + 1..).unwrap_or_default(),
            Ordering::Greater => rest = &rest[..start],
        }
    }
    false
}

fn compare(line: &str, word: &[char]) -> Ordering {
    line.chars().flat_map(char::to_lowercase).map(fold).cmp(word.iter().copied().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password_policy::folding::lower_case;

    #[test]
    fn the_list_is_in_order_and_none_is_there_twice() {
        let lines: Vec<_> = COMMON_PASSWORDS.lines().collect();
        for pair in lines.windows(2) {
            assert_eq!(compare(pair[0], &lower_case(pair[1])), Ordering::Less, "{pair:?}");
        }
        let long = lines.iter().filter(|line| line.chars().count() >= 8).count();
        assert_eq!((long, lines.len() - long), (10_000, 1_000));
    }

    #[test]
    fn every_line_is_found_and_nothing_between_them() {
        for line in COMMON_PASSWORDS.lines() {
            assert!(is_listed(&lower_case(line)), "{line}");
            let next = [line, "\u{1}"].concat();
            assert!(!is_listed(&lower_case(&next)), "{next:?}");
        }
        assert!(!is_listed(&[]));
    }
}
