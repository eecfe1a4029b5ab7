//! What `cargo xtask test` provides: servers, binaries and programs. What is missing fails the
//! test.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime of all journeys of an executable: a system that several tests share must not lose
/// its proxies with the test that happened to start it.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    &RUNTIME
}

/// The value of an environment variable that `cargo xtask test` sets.
pub fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run `cargo xtask test`, which provides what these tests need"
        )
    })
}

/// The path of one of the product's binaries.
pub fn binary(name: &str) -> PathBuf {
    let path = PathBuf::from(required("TEST_BIN_DIR")).join(name);
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}

/// Cargo's target directory, in which the directory of the binaries is.
pub fn target_directory() -> PathBuf {
    let binaries = PathBuf::from(required("TEST_BIN_DIR"));
    binaries.parent().map(Path::to_path_buf).expect("a directory above TEST_BIN_DIR")
}

/// The first of these programs that is on the PATH. On Debian, `package` contains it.
pub fn installed_program(names: &[&str], package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = |name| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    names.iter().find_map(find).unwrap_or_else(|| {
        panic!(
            "{} is not installed: run `cargo xtask test`, or `apt-get install {package}`",
            names[0]
        )
    })
}
