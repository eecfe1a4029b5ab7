//! Which build of a program runs.

/// The version of a binary and where it comes from: `build_info::build!()` makes it.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    /// The version, which `-V` prints.
    pub version: &'static str,
    /// The commit, or `unknown`.
    pub commit: &'static str,
    /// The version with the commit and the date of the build, which `--version` prints.
    pub long_version: &'static str,
}
