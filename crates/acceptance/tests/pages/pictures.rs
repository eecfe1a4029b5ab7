//! The README's pictures: the inbox with a mail, the documentation of the API, and the sign-up page.
//!
//! `UPDATE_PICTURES=1 cargo xtask test -- --test pages pictures` takes them anew. Otherwise this
//! checks that they can be shown, and that they have the size that new ones would have.

use std::path::{Path, PathBuf};

use acceptance::browser::{Browser, Theme};
use acceptance::{Account, StandaloneCommand};

/// In CSS pixels, which are the pixels of the pictures.
const PAGE_SIZE: (u32, u32) = (1200, 675);

/// What a reader of the README loads.
const MAX_BYTES: usize = 150_000;

#[tokio::test]
async fn the_readme_has_pictures_of_the_pages() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let account = Account { email: "ada@example.com".into(), ..Account::new() };
    standalone.client().register(&account).await.expect_status(201);
    let browser = Browser::start(Theme::Light, PAGE_SIZE).await;

    browser.open(&standalone.inbox).await;
    browser.wait_for_text("#list", &account.email).await;
    browser.text("#code").await;
    check_picture("inbox.png", &browser.screenshot().await);

    browser.open(&format!("{}/docs", standalone.api)).await;
    browser.text("#operations-users-register .opblock-summary-path").await;
    check_picture("api.png", &browser.screenshot().await);

    browser.open(&standalone.api).await;
    browser.fill("#email", "grace@example.com").await;
    browser.fill("#password", &account.password).await;
    browser.click("#register-form [type=submit]").await;
    browser.text("#time").await;
    browser.fill("#code", "04 27").await;
    check_picture("signup.png", &browser.screenshot().await);
}

/// Replaces a picture in `docs` if that is asked for, and checks the one that is there.
fn check_picture(name: &str, fresh: &[u8]) {
    let path = pictures().join(name);
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&path, fresh).unwrap();
    }
    let picture =
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        png_size(&picture),
        png_size(fresh),
        "{}: take it anew (UPDATE_PICTURES=1)",
        path.display()
    );
    assert!(picture.len() < MAX_BYTES, "{} has {} bytes", path.display(), picture.len());
}

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Width and height of a PNG: the first two fields of the chunk that follows its signature (PNG,
/// section 11.2.1).
fn png_size(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "not a PNG");
    assert_eq!(&png[12..16], b"IHDR");
    let field = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (field(16), field(20))
}
