//! Which commit a binary was built of, and when.
//!
//! A macro and not a build script: the compiler remembers for the one file that calls it what it has
//! read, so that a commit rebuilds each `main` and no library.

mod origin;
mod source;

use proc_macro::TokenStream;

/// Expands to a `process::Build` that describes the binary whose `main` calls it.
///
/// The commit is `REGISTRATION_BUILD_COMMIT` or else that of the checkout; the date is that of
/// `SOURCE_DATE_EPOCH` or else today. What is not known, in a source archive for example, is said to
/// be unknown.
#[proc_macro]
pub fn build(_: TokenStream) -> TokenStream {
    let expansion = match origin::find() {
        Ok(origin) => source::of_build(&origin),
        Err(problem) => format!("::core::compile_error!({problem:?})"),
    };
    // Not what is returned can be wrong, only the program that made it.
    expansion.parse().unwrap_or_default()
}
