//! `[signup]`: the page where people sign up.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use serde::Deserialize;

use crate::CommaList;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignupSettings {
    pub enabled: SignupSwitch,
    pub return_url: String,
    pub return_origins: CommaList<String>,
}

/// Whether there is a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SignupSwitch {
    On,
    Off,
    /// As the binary has it by default.
    Auto,
}

impl SignupSettings {
    /// Whether there is a page in a binary that has one by default, or has none.
    pub fn is_enabled(&self, by_default: bool) -> bool {
        match self.enabled {
            SignupSwitch::On => true,
            SignupSwitch::Off => false,
            SignupSwitch::Auto => by_default,
        }
    }
}

impl TryFrom<String> for SignupSwitch {
    type Error = &'static str;

    /// Files write true and false without quotation marks, and are read as text too.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "true" => Ok(Self::On),
            "false" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            _ => Err("expected true, false or \"auto\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn the_page_is_on_off_or_as_the_binary_has_it() {
        for (value, by_default, expected) in [
            ("true", false, true),
            ("false", true, false),
            ("auto", true, true),
            ("auto", false, false),
        ] {
            let settings = Sources::default().with("signup.enabled", &value).load().unwrap();
            assert_eq!(settings.signup.is_enabled(by_default), expected, "{value} {by_default}");
        }
        let error = Sources::default().with("signup.enabled", &"perhaps").load().unwrap_err();
        let error = error.to_string();
        assert!(error.contains("signup.enabled") && error.contains("auto"), "{error}");
    }

    #[test]
    fn a_file_may_leave_the_quotation_marks_out() {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        writeln!(file, "[signup]\nenabled = true").unwrap();
        assert!(Sources::of_file(file.path()).load().unwrap().signup.is_enabled(false));
    }
}
