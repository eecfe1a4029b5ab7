//! `doctor` before the first start, after it, and with settings that cannot be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use acceptance::{Finished, StandaloneCommand};

async fn doctor(start: &StandaloneCommand) -> Finished {
    start.clone().flag("doctor").program().run_to_end().await
}

/// The lines about a check.
fn lines<'a>(finished: &'a Finished, check: &str) -> Vec<&'a str> {
    let is_about = |line: &&str| line.split_whitespace().nth(1) == Some(check);
    finished.stdout.lines().filter(is_about).collect()
}

#[tokio::test]
async fn before_the_first_start_all_is_well_and_nothing_is_made() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let finished = doctor(&StandaloneCommand::on(&data)).await;
    assert_eq!((finished.code, finished.stderr.as_str()), (0, ""), "{}", finished.stdout);
    assert!(finished.stdout.contains("\nerrors: 0, warnings: 0, ok: "), "{}", finished.stdout);
    assert!(!data.exists());
}

#[tokio::test]
async fn beside_the_running_system_all_is_well_until_others_can_read_the_key() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let start = StandaloneCommand::on(&data);
    let _standalone = start.start().await;
    let finished = doctor(&start).await;
    assert_eq!(finished.code, 0, "{}", finished.stdout);
    let listener = lines(&finished, "http.listen");
    assert!(listener[0].ends_with("is ready"), "{listener:?}");

    fs::set_permissions(data.join("code.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let finished = doctor(&start).await;
    assert_eq!(finished.code, 1, "{}", finished.stdout);
    let permissions = lines(&finished, "data.permissions");
    assert!(permissions[0].starts_with("warning"), "{permissions:?}");
    assert!(permissions[0].contains("code.key; chmod -R go= "), "{permissions:?}");
}

#[tokio::test]
async fn every_wrong_setting_is_a_line_and_the_rest_is_checked() {
    let parent = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(&parent.path().join("data"))
        .with("code.digits", "9")
        .with("smtp.tsl", "none")
        .with("http.trusted_proxies", "everybody")
        .with("http.cors_origins", "*")
        .with("log.filter", "a=b=c")
        .with("code.key", "c0ffee");
    let finished = doctor(&start).await;
    assert_eq!(finished.code, 2, "{}", finished.stdout);
    let wrong = lines(&finished, "settings");
    for named in ["code.digits", "tsl", "trusted_proxies", "cors_origins", "log.filter", "code.key"]
    {
        let about = wrong.iter().filter(|line| line.contains(named)).count();
        assert_eq!(about, 1, "{named}: {wrong:#?}");
    }
    assert_eq!(wrong.len(), 6, "{wrong:#?}");
    assert_eq!(lines(&finished, "data.directory").len(), 1);
}

#[tokio::test]
async fn settings_that_cannot_be_read_are_a_line_too() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("settings.toml");
    fs::write(&file, "[code\nkey = hush-hush").unwrap();
    for path in [file.as_path(), parent.path(), &parent.path().join("missing.toml")] {
        let start = StandaloneCommand::on(&parent.path().join("data"));
        let finished = doctor(&start.flag("--config").flag(path.to_str().unwrap())).await;
        assert_eq!((finished.code, finished.stderr.as_str()), (2, ""), "{}", finished.stdout);
        let wrong = lines(&finished, "settings");
        assert!(wrong[0].starts_with("error") && wrong.len() == 1, "{wrong:?}");
        assert!(!finished.stdout.contains("hush"), "{}", finished.stdout);
    }
}
