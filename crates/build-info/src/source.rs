//! The expression that the macro expands to.

use std::fmt::Write as _;

use crate::origin::{COMMIT_VARIABLE, DATE_VARIABLE, Origin};

/// A block whose value is the `process::Build`, with what the compiler has to watch.
pub(crate) fn of_build(origin: &Origin) -> String {
    let mut block = String::from("{");
    for variable in [COMMIT_VARIABLE, DATE_VARIABLE] {
        // Writing to a string cannot fail.
        let _ = write!(
            block,
            "const _: ::core::option::Option<&str> = ::core::option_env!({variable:?});"
        );
    }
    for file in &origin.watched {
        let _ = write!(
            block,
            "const _: &[u8] = ::core::include_bytes!({:?});",
            file.display().to_string()
        );
    }
    let Origin { commit, date, .. } = origin;
    let described = format!(" (commit {commit}, built {date})");
    let _ = write!(
        block,
        "::process::Build {{ version: ::core::env!(\"CARGO_PKG_VERSION\"), commit: {commit:?}, \
         long_version: ::core::concat!(::core::env!(\"CARGO_PKG_VERSION\"), {described:?}) }} }}"
    );
    block
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn the_compiler_watches_the_checkout_and_the_variables() {
        let date = OffsetDateTime::UNIX_EPOCH.date();
        let watched = vec!["/src/.git/HEAD".into()];
        let block = of_build(&Origin { commit: "1f2e".into(), date, watched });
        for part in [
            "option_env!(\"REGISTRATION_BUILD_COMMIT\")",
            "option_env!(\"SOURCE_DATE_EPOCH\")",
            "include_bytes!(\"/src/.git/HEAD\")",
            "commit: \"1f2e\"",
            "\" (commit 1f2e, built 1970-01-01)\"",
        ] {
            assert!(block.contains(part), "{part} is not in {block}");
        }
    }
}
