//! What makes two spellings of a password the same to somebody who guesses: case, and signs that
//! look like letters.

use zeroize::Zeroizing;

/// The characters of `password` in the form in which they are compared. Wiped when dropped.
pub(super) fn lower_case(password: &str) -> Zeroizing<Vec<char>> {
    // Some characters have three in lower case; room for all, or growing would leave copies behind.
    let mut characters = Zeroizing::new(Vec::with_capacity(3 * password.len()));
    characters.extend(password.chars().flat_map(char::to_lowercase));
    characters
}

/// The letter that stands for all that look like it. `1` is read as i or l and `7` as t or l, so
/// these letters are one.
pub(super) fn fold(character: char) -> char {
    match character {
        '4' | '@' => 'a',
        '8' => 'b',
        '(' | '{' | '[' | '<' => 'c',
        '3' => 'e',
        '6' | '9' => 'g',
        '1' | '!' | '|' | 'l' | '7' | 't' | '+' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '%' => 'x',
        '2' => 'z',
        other => other,
    }
}

/// Whether `text` begins with `word`, which is in lower case, in whatever spelling.
pub(super) fn starts_with(text: &[char], word: &str) -> bool {
    let mut rest = text.iter();
    word.chars().all(|letter| rest.next().is_some_and(|&other| fold(other) == fold(letter)))
}
