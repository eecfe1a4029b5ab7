//! A copy of what `docker compose up` needs of a checkout, as unkind as a checkout can be: lines end
//! with CRLF, and nobody but its owner may read the files.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::ComposeError;
use super::tools::empty_folder;
use crate::workspace;

const COPIED: [&str; 5] =
    ["compose.yaml", "deploy/Dockerfile", "LICENSE-MIT", "LICENSE-APACHE", ".dockerignore"];

/// Settings of the deployment that is tried out. All load comes from one client, so nothing is
/// limited; and what a killed process had in hand is taken over soon.
const SETTINGS: [(&str, &str); 12] = [
    ("LIMITS__REGISTER_PER_CLIENT", "off"),
    ("LIMITS__REGISTER_PER_ADDRESS", "off"),
    ("LIMITS__ACTIVATE_PER_CLIENT", "off"),
    ("LIMITS__ACTIVATE_PER_ADDRESS", "off"),
    ("LIMITS__RESEND_PER_CLIENT", "off"),
    ("LIMITS__RESEND_PER_ADDRESS", "off"),
    ("LIMITS__FURTHER_CODES", "off"),
    ("LIMITS__WRONG_GUESSES_PER_CLIENT", "off"),
    ("OUTBOX__LEASE", "7s"),
    ("RABBITMQ__CONFIRM_TIMEOUT", "3s"),
    ("POSTGRES__STATEMENT_TIMEOUT", "3s"),
    // A busy machine may take long over what a test does not look at.
    ("HASHING__DEADLINE", "30s"),
];

/// What the images are said to be made of, which their labels repeat.
pub(super) const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
pub(super) const SOURCE: &str = "https://example.com/registration";

/// The folder that Compose is called in.
pub(super) struct Checkout {
    pub(super) folder: PathBuf,
}

impl Checkout {
    /// Makes one below `cache`, whose images are built of `binaries`.
    pub(super) fn make(cache: &Path, binaries: &Path) -> Result<Self, ComposeError> {
        let folder = cache.join("checkout");
        empty_folder(&folder)?;
        empty_folder(&folder.join("deploy"))?;
        let checkout = Self { folder };
        for name in COPIED {
            let source = workspace::root().join(name);
            let text = fs::read_to_string(&source).map_err(ComposeError::file(&source))?;
            checkout.write(name, &text.replace('\n', "\r\n"))?;
        }
        checkout.write("override.yaml", &use_binaries(binaries))?;
        checkout.set(&[])?;
        Ok(checkout)
    }

    /// Writes `.env` anew: the settings of all trials, and `more` of them.
    pub(super) fn set(&self, more: &[(&str, &str)]) -> Result<(), ComposeError> {
        let mut text = format!("IMAGE_REVISION={REVISION}\nIMAGE_SOURCE={SOURCE}\n");
        for (name, value) in SETTINGS.iter().chain(more) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "REGISTRATION__{name}={value}");
        }
        self.write(".env", &text)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), ComposeError> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(ComposeError::file(&path))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(ComposeError::file(&path))
    }
}

/// What Compose is told beside compose.yaml: the Dockerfile's stage `build` is this folder.
fn use_binaries(binaries: &Path) -> String {
    let path = binaries.display();
    let services = ["migrate", "registration-api", "email-worker"].map(|service| {
        format!("  {service}: {{build: {{additional_contexts: {{build: '{path}'}}}}}}\n")
    });
    format!("services:\n{}", services.concat())
}
