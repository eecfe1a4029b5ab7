//! What a hash costs on this machine, and what it costs an attacker.

use std::num::NonZero;
use std::time::Duration;

use domain::ports::PasswordHasher;
use domain::{Finding, Password, PasswordLength};
use settings::HashingSettings;
use tokio::time::Instant;

const STRENGTH: &str = "hashing.strength";
const TIME: &str = "hashing.time";

/// What OWASP's cheat sheet on password storage asks for at least: memory in KiB at a number of
/// iterations.
const MINIMA: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// The part of the deadline that one hash may take before others wait in vain.
const SHARE: u32 = 4;

pub(super) async fn judge(hasher: &dyn PasswordHasher, settings: &HashingSettings) -> Vec<Finding> {
    vec![judge_strength(settings), judge_time(hasher, settings).await]
}

fn judge_strength(settings: &HashingSettings) -> Finding {
    let (memory, iterations) = (settings.memory_kib.get(), settings.iterations.get());
    let message = format!("{memory} KiB, {iterations} iterations");
    if MINIMA.iter().any(|(least, passes)| memory >= *least && iterations >= *passes) {
        return Finding::ok(STRENGTH, message);
    }
    let advice = "set hashing.memory_kib to 19456 and hashing.iterations to 2, or more";
    Finding::warning(STRENGTH, format!("{message}: stolen hashes are cheap to guess at"), advice)
}

async fn judge_time(hasher: &dyn PasswordHasher, settings: &HashingSettings) -> Finding {
    let advice = "see whether this machine has memory and threads left";
    let length = PasswordLength { min: 1, max: 64 };
    let Ok(password) = Password::new("a password like many others".into(), length) else {
        return Finding::error(TIME, "a plain password is refused", "report this defect");
    };
    // The first one also allocates its memory.
    if let Err(error) = hasher.hash(password.clone()).await {
        return Finding::error(TIME, error.to_string(), advice);
    }
    let begun = Instant::now();
    if let Err(error) = hasher.hash(password).await {
        return Finding::error(TIME, error.to_string(), advice);
    }
    judge_measurement(begun.elapsed(), settings)
}

fn judge_measurement(took: Duration, settings: &HashingSettings) -> Finding {
    let threads = match settings.threads {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        threads => threads,
    };
    let millis = took.as_millis().max(1);
    let rate = threads as u128 * 1000 / millis;
    let message = format!("{millis} ms per hash, about {rate} per second in all");
    if took > settings.deadline / SHARE {
        let advice = "lower hashing.memory_kib or hashing.iterations, or raise hashing.deadline";
        return Finding::warning(TIME, message, advice);
    }
    Finding::ok(TIME, message)
}

#[cfg(test)]
mod tests {
    use domain::Severity;
    use settings::Sources;

    use super::*;

    fn hashing(changes: &[(&'static str, &str)]) -> HashingSettings {
        let sources = changes.iter().fold(Sources::default(), |s, (key, value)| s.with(key, value));
        sources.load().unwrap().hashing
    }

    #[test]
    fn cheap_hashes_are_named() {
        for (memory, iterations, severity) in [
            ("19456", "2", Severity::Ok),
            ("47104", "1", Severity::Ok),
            ("12288", "2", Severity::Warning),
            ("19456", "1", Severity::Warning),
        ] {
            let settings =
                hashing(&[("hashing.memory_kib", memory), ("hashing.iterations", iterations)]);
            assert_eq!(judge_strength(&settings).severity, severity, "{memory} {iterations}");
        }
    }

    #[test]
    fn hashes_that_let_others_wait_in_vain_are_named() {
        let settings = hashing(&[("hashing.threads", "2"), ("hashing.deadline", "4s")]);
        let judge = |millis| judge_measurement(Duration::from_millis(millis), &settings);
        assert_eq!(judge(20), Finding::ok(TIME, "20 ms per hash, about 100 per second in all"));
        assert_eq!(judge(0).severity, Severity::Ok);
        assert_eq!(judge(1001).severity, Severity::Warning);
    }
}
