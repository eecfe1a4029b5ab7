//! The examples, run as they say themselves.

use std::path::{Path, PathBuf};

use acceptance::browser::{Browser, Theme};
use acceptance::{Account, Program, Standalone, StandaloneCommand, installed_program};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::npm_package::{copy_folder, install_copy, run};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

/// Keeps the description of the API in a folder.
async fn describe(standalone: &Standalone, folder: &Path) {
    let document = standalone.client().get("/api/v1/openapi.json").await.body;
    std::fs::write(folder.join("openapi.json"), document).unwrap();
}

/// What an example prints in the end.
fn assert_active(printed: &str, account: &Account) {
    assert!(printed.contains(&format!("{} is active", account.email)), "{printed}");
}

#[tokio::test]
async fn a_typescript_client_made_of_the_document_signs_somebody_up() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let folder = install_copy(&example("typescript"), "example-typescript").await;
    describe(&standalone, &folder).await;
    let npm = Program::new(installed_program(&["npm"], "npm")).variables(std::env::vars());
    for script in ["generate", "build"] {
        run(&npm.clone().arguments(["run", script, "--prefix", folder.to_str().unwrap()])).await;
    }
    let account = Account::new();
    let script = folder.join("build/sign-up.js");
    let arguments = [script.to_str().unwrap(), &standalone.api, &standalone.inbox, &account.email];
    let node = Program::new(installed_program(&["node"], "nodejs")).arguments(arguments);
    assert_active(&run(&node).await, &account);
}

#[tokio::test]
async fn a_python_client_made_of_the_document_signs_somebody_up() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let folder = copy_folder(&example("python"), "example-python");
    describe(&standalone, &folder).await;
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let python = Program::new(installed_program(&["python3"], "python3-venv"));
    run(&python.arguments(["-m", "venv", &file("venv")])).await;
    let python = || Program::new(folder.join("venv/bin/python")).variables(std::env::vars());
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let packages = ["--only-binary=:all:", "--requirement", &file("requirements.txt")];
    run(&python().arguments(quiet).arguments(packages)).await;
    let generate = [
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        &file("openapi.json"),
        "--meta",
        "none",
        "--config",
        &file("generator.yaml"),
        "--overwrite",
        "--output-path",
        &file("registration_client"),
    ];
    run(&python().arguments(generate)).await;
    let account = Account::new();
    let arguments = [&file("sign_up.py"), &standalone.api, &standalone.inbox, &account.email];
    assert_active(&run(&python().arguments(arguments)).await, &account);
}

/// Serves the files of a folder. Returns its origin.
async fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let folder = folder.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    if client.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                let path = request.split(['/', '?', ' ']).nth(2).unwrap_or_default();
                let (name, kind) = match path {
                    "sign-up.js" => (path, "text/javascript"),
                    _ => ("index.html", "text/html"),
                };
                let body = std::fs::read_to_string(folder.join(name)).unwrap();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = client.write_all((head + &body).as_bytes()).await;
            });
        }
    });
    origin
}

#[tokio::test]
async fn a_page_of_another_origin_signs_somebody_up() {
    let origin = serve(example("browser")).await;
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path())
        .with("code.window", "3600s")
        .with("http.cors_origins", &origin);
    let standalone = start.start().await;
    let browser = Browser::start(Theme::Light, (800, 600)).await;
    browser.open(&format!("{origin}/?api={}", standalone.api)).await;
    let account = Account::new();
    browser.fill("#email", &account.email).await;
    browser.fill("#password", "short").await;
    browser.click("#register button").await;
    browser.wait_for_text("#message", "password:").await;
    browser.fill("#password", &format!("{} ü€", account.password)).await;
    browser.click("#register button").await;
    browser.wait_for_text("#message", "A code is on its way").await;
    browser.click("#resend").await;
    let mails = standalone.mailbox().expect(&account.email, 2).await;
    browser.fill("#code", &mails[1].code()).await;
    browser.click("#activate button").await;
    browser.wait_for_text("#message", "The account is active").await;
    browser.save_screenshot("50-example-browser").await;
}
