//! Under which conditions figures were taken.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

/// What the figures depend on beside the code.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// Each a name and its value.
    pub lines: Vec<(&'static str, String)>,
}

impl Conditions {
    /// Those of now.
    pub fn read() -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let cores = available_parallelism().map_or(1, NonZero::get);
        let lines = vec![
            ("processor", format!("{cores} cores, {}", processor(&file("/proc/cpuinfo")))),
            ("kernel", file("/proc/sys/kernel/osrelease")),
            ("transparent huge pages", file("/sys/kernel/mm/transparent_hugepage/enabled")),
            ("load average before", file("/proc/loadavg")),
            ("commit", commit()),
        ];
        Self { lines }
    }

    /// Adds one.
    pub fn add(&mut self, name: &'static str, value: String) {
        self.lines.push((name, value));
    }

    /// The load average of now, which shows whether anybody else was at work.
    pub fn add_load_average(&mut self, name: &'static str) {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        self.add(name, load.trim().to_owned());
    }
}

fn processor(cpuinfo: &str) -> String {
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim());
    name.unwrap_or("of unknown model").to_owned()
}

fn commit() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let git =
        Command::new("git").current_dir(folder).args(["rev-parse", "--short", "HEAD"]).output();
    let hash = git.ok().filter(|output| output.status.success());
    hash.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A fast one @ 3 GHz\nflags\t: x\n";
        assert_eq!(processor(cpuinfo), "A fast one @ 3 GHz");
        assert_eq!(processor(""), "of unknown model");
    }
}
