//! What the mails of one deployment have in common: name, colour, footer.

use super::error::TemplateError;
use super::numbers::numbers;

/// Checked, and ready for the templates.
#[derive(Debug)]
pub(super) struct Branding {
    pub(super) product: String,
    pub(super) accent: String,
    /// Black or white, whichever is read more easily on the accent colour.
    pub(super) on_accent: &'static str,
    pub(super) footer: Vec<String>,
}

impl Branding {
    /// `digits` is the length of a code, which nothing here may be taken for.
    pub(super) fn new(
        product_name: &str,
        accent_color: &str,
        footer: &str,
        digits: usize,
    ) -> Result<Self, TemplateError> {
        let product = product_name.trim();
        if product.is_empty() || product.chars().count() > 60 || product.contains(is_unprintable) {
            return Err(TemplateError::ProductName);
        }
        if numbers(product).any(|number| number.len() >= digits) {
            return Err(TemplateError::NameLooksLikeCode(digits));
        }
        let [red, green, blue] = parse_color(accent_color).ok_or(TemplateError::AccentColor)?;
        Ok(Self {
            product: product.to_owned(),
            accent: format!("#{red:02x}{green:02x}{blue:02x}"),
            on_accent: readable_on([red, green, blue]),
            footer: footer_lines(footer, digits)?,
        })
    }
}

/// Postal codes and the like are welcome, as they come after the code; not so a number of exactly
/// its length.
fn footer_lines(footer: &str, digits: usize) -> Result<Vec<String>, TemplateError> {
    let lines: Vec<String> = footer.trim().lines().map(|line| line.trim().to_owned()).collect();
    if footer.chars().count() > 500 || lines.iter().any(|line| line.contains(is_unprintable)) {
        return Err(TemplateError::Footer);
    }
    if lines.iter().flat_map(|line| numbers(line)).any(|number| number.len() == digits) {
        return Err(TemplateError::FooterLooksLikeCode(digits));
    }
    Ok(lines)
}

/// Control characters, among them every line break, and private characters, one of which stands for
/// the code.
fn is_unprintable(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{e000}'..='\u{f8ff}')
}

fn parse_color(text: &str) -> Option<[u8; 3]> {
    let digits = text.trim().strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

/// The better of black and white has a contrast of at least 4.58 to any colour, which is more than
/// WCAG 2.2 asks of text (1.4.3).
fn readable_on(color: [u8; 3]) -> &'static str {
    // Where the contrast to black, (L + 0.05) / 0.05, and to white, 1.05 / (L + 0.05), are the same.
    if luminance(color) > 0.179 { "#000000" } else { "#ffffff" }
}

/// Relative luminance as WCAG 2.2 defines it.
fn luminance(color: [u8; 3]) -> f64 {
    let [red, green, blue] = color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn branding(name: &str, color: &str, footer: &str) -> Result<Branding, TemplateError> {
        Branding::new(name, color, footer, 4)
    }

    #[test]
    fn a_color_has_six_digits() {
        assert_eq!(branding("Acme", " #4F5bd5", "").unwrap().accent, "#4f5bd5");
        for color in ["", "#fff", "red", "4f5bd5", "#4f5bd5;}", "#4f5bg5", "#+f5bd5", "#4f5bd5ff"] {
            assert!(
                matches!(branding("Acme", color, ""), Err(TemplateError::AccentColor)),
                "{color}"
            );
        }
    }

    #[test]
    fn a_footer_is_lines_of_text() {
        let footer = branding("Acme", "#000000", " Acme Inc.\r\n75001 Paris\n").unwrap().footer;
        assert_eq!(footer, ["Acme Inc.", "75001 Paris"]);
        assert!(branding("Acme", "#000000", "").unwrap().footer.is_empty());
        for footer in ["a\tb\0", &"x".repeat(501), "\u{e000}", "a\rb"] {
            assert!(matches!(branding("Acme", "#000000", footer), Err(TemplateError::Footer)));
        }
        let refused = branding("Acme", "#000000", "since 1999");
        assert!(matches!(refused, Err(TemplateError::FooterLooksLikeCode(4))));
    }

    proptest! {
        #[test]
        fn the_name_can_be_read_on_any_color(color: [u8; 3]) {
            let text = if readable_on(color) == "#000000" { 0.0 } else { 1.0 };
            let (a, b) = (luminance(color), text);
            let contrast = (f64::max(a, b) + 0.05) / (f64::min(a, b) + 0.05);
            prop_assert!(contrast >= 4.5, "{contrast}");
        }
    }
}
