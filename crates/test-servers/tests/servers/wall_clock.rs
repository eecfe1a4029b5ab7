//! A wall clock that is moved under a running process.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant, SystemTime};

use test_servers::WallClock;
use test_support::run_again;

const READER: &str = "READ_CLOCKS";

/// A process that tells its clocks.
struct Reader {
    process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Reader {
    fn start(clock: &WallClock) -> Self {
        let mut process = run_again("wall_clock::reader")
            .env(READER, "1")
            .envs(clock.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, questions, answers }
    }

    /// What its wall clock says, and for how long it has run by its monotonic clock.
    fn read(&mut self) -> (i64, Duration) {
        self.questions.write_all(b"\n").unwrap();
        let mut answers = self.answers.by_ref().map_while(Result::ok);
        let answer = answers.find_map(|line| line.strip_prefix("clocks ").map(str::to_owned));
        let answer = answer.unwrap();
        let (wall, monotonic) = answer.split_once(' ').unwrap();
        (wall.parse().unwrap(), Duration::from_nanos(monotonic.parse().unwrap()))
    }
}

/// No test but a process of one.
#[test]
fn reader() {
    if std::env::var_os(READER).is_none() {
        return;
    }
    let started = Instant::now();
    for line in std::io::stdin().lines() {
        line.unwrap();
        println!("\nclocks {} {}", now(), started.elapsed().as_nanos());
    }
}

#[expect(clippy::disallowed_methods, reason = "this is about the system's clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

#[test]
fn a_process_sees_its_wall_clock_move_while_its_monotonic_clock_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let clock = WallClock::new(folder.path()).unwrap();
    let mut reader = Reader::start(&clock);
    let started = Instant::now();
    let mut last = reader.read().1;
    for offset in [0, 3600, -3600, 86_400, 0] {
        clock.set(offset).unwrap();
        let before = now();
        let (wall, monotonic) = reader.read();
        let shown = wall - offset;
        // Both are rounded down to whole seconds.
        assert!((before - 1..=now() + 1).contains(&shown), "{offset}: {shown}, not {before}");
        let gone_by = monotonic.checked_sub(last).unwrap();
        assert!(gone_by <= started.elapsed(), "{gone_by:?}");
        last = monotonic;
    }
    drop(reader.questions);
    assert!(reader.process.wait().unwrap().success());
}
