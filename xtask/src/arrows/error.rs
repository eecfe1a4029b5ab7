//! What is wrong with an arrow, in sentences that say where to look.

/// A broken arrow, or why the arrows could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArrowError {
    #[error("`{package}` must not depend on `{on}`. To see the way:\n\n    {look}\n")]
    Forbidden { package: &'static str, on: String, look: String },
    #[error("no arrow says what `{0}` may depend on: add it to xtask/src/arrows/packages.rs")]
    NoArrow(String),
    #[error(
        "xtask/src/arrows/packages.rs has an arrow for `{0}`, which is not a package of this workspace"
    )]
    NoPackage(&'static str),
    #[error(
        "`{0}` is in Cargo.lock, but the only TLS stack is rustls with ring. To see who brings it:\n\n    \
         cargo tree --workspace --all-features --target all -e all -i {0}\n"
    )]
    Banned(&'static str),
    #[error("{place} names `{name}`, but {because}")]
    Named { place: String, name: String, because: &'static str },
    #[error("these files need each other, so none can be read first:\n{steps}")]
    Circle { steps: String },
    #[error("cannot run `{command}`: {problem}")]
    Tree { command: String, problem: String },
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("{}", each(.0))]
    Several(Vec<ArrowError>),
}

fn each(errors: &[ArrowError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nxtask: ")
}
