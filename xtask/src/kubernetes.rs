//! `deploy/kubernetes` against the schemas of Kubernetes, without a cluster.

use std::fs;
use std::process::Command;

use crate::process::{self, Interrupt};
use crate::python::KUBERNETES_VALIDATE;
use crate::{Failure, workspace};

/// The oldest version that is supported upstream when this was written: what it knows, newer ones do.
const VERSION: &str = "1.33";

/// Not a resource of Kubernetes.
const KUSTOMIZATION: &str = "kustomization.yaml";

/// Checks every resource of the base; a property that the schemas do not know is an error, too.
pub(crate) fn check(interrupt: &Interrupt) -> Result<(), Failure> {
    let base = workspace::root().join("deploy/kubernetes/base");
    let mut validate = Command::new(KUBERNETES_VALIDATE.ensure(interrupt)?);
    validate.args(["--strict", "--quiet", "--kubernetes-version", VERSION]);
    for entry in fs::read_dir(&base).map_err(Failure::Kubernetes)? {
        let path = entry.map_err(Failure::Kubernetes)?.path();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
        if is_yaml && !path.ends_with(KUSTOMIZATION) {
            validate.arg(path);
        }
    }
    Ok(process::succeed(&mut validate, interrupt)?)
}
