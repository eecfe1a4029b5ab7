//! The contract of `PasswordHasher`, on the pool of Argon2id threads.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::argon2id::{Argon2idOptions, HashPool, HashPoolError};
use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use domain::ports::{HashError, PasswordHasher, Verification};
use domain::{Password, PasswordHash};
use futures::FutureExt;
use futures::future::join_all;

const MATCH: Verification = Verification::Match { outdated: false };

/// Little work, for tests that are not about how much there is.
fn light() -> Argon2idOptions {
    Argon2idOptions {
        memory_kib: 64,
        iterations: 1,
        threads: 2,
        queue: 64,
        deadline: Duration::from_mins(1),
    }
}

/// One thread that is busy for some tenths of a second with each hash.
fn slow(queue: usize) -> Argon2idOptions {
    Argon2idOptions { memory_kib: 32 * 1024, iterations: 8, threads: 1, queue, ..light() }
}

/// What OWASP recommends, and the service does.
fn recommended() -> Argon2idOptions {
    Argon2idOptions { memory_kib: 19_456, iterations: 2, ..light() }
}

fn pool(options: &Argon2idOptions) -> HashPool {
    HashPool::start(options).unwrap()
}

fn password(text: &str) -> Password {
    Password::claimed(text.into())
}

#[tokio::test]
async fn the_right_password_matches_and_no_other_does() {
    let pool = pool(&light());
    let hash = pool.hash(password("correct horse")).await.unwrap();
    assert_eq!(pool.verify(password("correct horse"), Some(hash.clone())).await.unwrap(), MATCH);
    for wrong in ["", "correct horsf", "correct horse ", "Correct horse", "correct horse\0"] {
        let verification = pool.verify(password(wrong), Some(hash.clone())).await.unwrap();
        assert_eq!(verification, Verification::Mismatch, "{wrong:?}");
    }
}

#[tokio::test]
async fn the_product_verifies_the_same_hashes_on_the_same_threads() {
    let pool = Arc::new(pool(&light()));
    let product = pool.of_product();
    let hash = pool.hash(password("correct horse")).await.unwrap();
    assert_eq!(product.verify(password("correct horse"), Some(hash.clone())).await.unwrap(), MATCH);
    for hash in [Some(hash), None] {
        let wrong = product.verify(password("correct horsf"), hash).await.unwrap();
        assert_eq!(wrong, Verification::Mismatch);
    }
    let hash = product.hash(password("another one")).await.unwrap();
    assert_eq!(pool.verify(password("another one"), Some(hash)).await.unwrap(), MATCH);
    let none = Arc::new(HashPool::start(&Argon2idOptions { queue: 0, ..light() }).unwrap());
    none.of_product().hash(password("a free thread takes it")).await.unwrap();
}

#[tokio::test]
async fn without_a_hash_nothing_matches() {
    let pool = pool(&light());
    for text in ["", "correct horse"] {
        assert_eq!(pool.verify(password(text), None).await.unwrap(), Verification::Mismatch);
    }
}

#[tokio::test]
async fn asvs_6_2_8_every_byte_of_a_long_password_counts() {
    let pool = pool(&light());
    let long = "é🐎".repeat(1000);
    let hash = pool.hash(password(&long)).await.unwrap();
    assert_eq!(pool.verify(password(&long), Some(hash.clone())).await.unwrap(), MATCH);
    let longer = pool.verify(password(&format!("{long}é")), Some(hash)).await.unwrap();
    assert_eq!(longer, Verification::Mismatch);
}

#[tokio::test]
async fn the_same_password_never_has_the_same_hash() {
    let pool = pool(&light());
    let hashes = join_all((0..50).map(|_| pool.hash(password("correct horse")))).await;
    let mut hashes: Vec<_> =
        hashes.into_iter().map(|hash| hash.unwrap().as_phc().to_owned()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 50);
}

/// The string carries all that another implementation needs.
#[tokio::test]
async fn asvs_11_4_2_a_hash_is_a_phc_string_that_others_verify() {
    let hash = pool(&recommended()).hash(password("correct horse")).await.unwrap();
    assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_phc());
    let parsed = phc::PasswordHash::new(hash.as_phc()).unwrap();
    assert_eq!((parsed.salt.unwrap().len(), parsed.hash.unwrap().len()), (16, 32));
    Argon2::default().verify_password(b"correct horse", &parsed).unwrap();
    Argon2::default().verify_password(b"incorrect horse", &parsed).unwrap_err();
}

/// Vectors of the reference implementation (phc-winner-argon2, `src/test.c`), in which the pool had
/// no part.
#[tokio::test]
async fn hashes_of_the_reference_implementation_verify() {
    let pool = pool(&light());
    let argon2id = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$\
                    nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let two_lanes = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$\
                     bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
    let argon2i_of_2015 = "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$\
                           9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";
    for hash in [argon2id, two_lanes, argon2i_of_2015] {
        let stored = PasswordHash::from_phc(hash.to_owned());
        let right = pool.verify(password("password"), Some(stored.clone())).await.unwrap();
        assert_eq!(right, Verification::Match { outdated: true }, "{hash}");
        let wrong = pool.verify(password("differentpassword"), Some(stored)).await.unwrap();
        assert_eq!(wrong, Verification::Mismatch, "{hash}");
    }
}

#[tokio::test]
async fn asvs_11_4_2_a_hash_with_other_parameters_is_outdated() {
    let current = light();
    let others = [
        Argon2idOptions { memory_kib: 63, ..current.clone() },
        Argon2idOptions { memory_kib: 4096, ..current.clone() },
        Argon2idOptions { iterations: 2, ..current.clone() },
    ];
    let pool_now = pool(&current);
    for other in others {
        let hash = pool(&other).hash(password("correct horse")).await.unwrap();
        let verification = pool_now.verify(password("correct horse"), Some(hash)).await.unwrap();
        assert_eq!(verification, Verification::Match { outdated: true }, "{other:?}");
    }
    for (algorithm, lanes) in [(Algorithm::Argon2i, 1), (Algorithm::Argon2id, 2)] {
        let params = Params::new(64, 1, lanes, None).unwrap();
        let argon2 = Argon2::new(algorithm, Version::V0x13, params);
        let hash =
            argon2::PasswordHasher::hash_password(&argon2, b"correct horse").unwrap().to_string();
        let verification = pool_now
            .verify(password("correct horse"), Some(PasswordHash::from_phc(hash)))
            .await
            .unwrap();
        assert_eq!(verification, Verification::Match { outdated: true }, "{algorithm} {lanes}");
    }
}

#[tokio::test]
async fn a_hash_that_cannot_be_read_is_damaged() {
    let pool = pool(&light());
    let damaged = [
        "",
        "correct horse",
        "$argon2id$v=19$m=64,t=1,p=1",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ",
        "$argon2id$v=99$m=64,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=64,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$bcrypt$v=19$m=64,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ];
    for text in damaged {
        let stored = PasswordHash::from_phc(text.to_owned());
        let error = pool.verify(password("correct horse"), Some(stored)).await.unwrap_err();
        assert!(matches!(error, HashError::Damaged), "{text}: {error:?}");
    }
}

#[tokio::test]
async fn asvs_15_2_2_a_full_queue_refuses_at_once() {
    let pool = pool(&slow(2));
    let mut taken: Vec<_> = (0..3).map(|_| pool.hash(password("correct horse"))).collect();
    for hash in &mut taken {
        assert!(hash.now_or_never().is_none(), "the hash should have to wait");
    }
    let refusal =
        pool.hash(password("correct horse")).now_or_never().expect("a refusal should not wait");
    assert!(
        matches!(&refusal, Err(HashError::Overloaded { retry_after }) if !retry_after.is_zero()),
        "{refusal:?}"
    );
    for hash in join_all(taken).await {
        hash.unwrap();
    }
}

#[tokio::test]
async fn asvs_15_2_2_work_that_cannot_begin_in_time_is_refused() {
    let pool = pool(&Argon2idOptions { deadline: Duration::from_millis(20), ..slow(10) });
    let answers = join_all((0..8).map(|_| pool.verify(password("correct horse"), None))).await;
    let refused = answers
        .iter()
        .filter(
            |answer| matches!(answer, Err(HashError::Overloaded { retry_after }) if !retry_after.is_zero()),
        )
        .count();
    assert!(refused >= 6, "{answers:?}");
}

#[tokio::test]
async fn callers_who_go_away_make_room_for_others() {
    let pool = Arc::new(pool(&slow(2)));
    let mut running = pool.hash(password("correct horse"));
    assert!((&mut running).now_or_never().is_none());
    for _ in 0..10 {
        let mut abandoned = [pool.hash(password("abandoned")), pool.hash(password("abandoned"))];
        for hash in &mut abandoned {
            assert!(hash.now_or_never().is_none(), "an abandoned hash takes up room");
        }
    }
    running.await.unwrap();
    pool.hash(password("correct horse")).await.unwrap();
}

/// On an executor with one thread, another task goes on while a password is hashed.
#[tokio::test(flavor = "current_thread")]
async fn asvs_15_2_2_the_executor_is_never_blocked() {
    let pool = pool(&slow(2));
    let hashing = pool.hash(password("correct horse"));
    tokio::pin!(hashing);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let mut ticked = 0;
    loop {
        tokio::select! {
            hash = &mut hashing => break drop(hash.unwrap()),
            _ = ticks.tick() => ticked += 1,
        }
    }
    assert!(ticked >= 5, "{ticked} ticks");
}

/// Coarse: the end-to-end test compares the distributions.
#[tokio::test]
async fn asvs_6_3_8_an_unknown_address_costs_as_much_as_a_wrong_password() {
    let pool = pool(&Argon2idOptions { threads: 1, ..recommended() });
    let hash = pool.hash(password("correct horse")).await.unwrap();
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        let start = Instant::now();
        pool.verify(password("wrong horse"), None).await.unwrap();
        unknown.push(start.elapsed());
        let start = Instant::now();
        pool.verify(password("wrong horse"), Some(hash.clone())).await.unwrap();
        wrong.push(start.elapsed());
    }
    // The fastest of each: what else the machine does can only slow them down.
    let (unknown, wrong) = (unknown.iter().min().unwrap(), wrong.iter().min().unwrap());
    let ratio = unknown.as_secs_f64() / wrong.as_secs_f64();
    assert!((0.6..1.7).contains(&ratio), "unknown {unknown:?}, wrong {wrong:?}");
}

#[test]
fn impossible_parameters_are_refused() {
    for options in
        [Argon2idOptions { memory_kib: 7, ..light() }, Argon2idOptions { iterations: 0, ..light() }]
    {
        assert!(
            matches!(HashPool::start(&options), Err(HashPoolError::Parameters(_))),
            "{options:?}"
        );
    }
}
