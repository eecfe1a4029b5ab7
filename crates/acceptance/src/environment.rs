//! What the suite is given: servers, binaries, and one runtime that outlives every test.

use std::path::PathBuf;
use std::sync::OnceLock;

use tokio::runtime::Runtime;

/// The runtime of the whole executable. One for all, because a system that several tests share must
/// not lose its proxies with the test that happened to start it, and because a child process dies
/// with the thread that started it (see `process`), which here is a worker that never ends.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        // A workspace build gives reqwest TLS without a provider, which it wants to know even for HTTP.
        // Fails only where it is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

/// A variable that `cargo xtask test` sets. A test without its servers fails; it is never skipped.
pub fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: these tests need real servers, run `cargo xtask test`")
    })
}

/// The path of one of the product's binaries.
pub fn binary(name: &str) -> PathBuf {
    let path = PathBuf::from(required("TEST_BIN_DIR")).join(name);
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}
