//! Resident memory.

use std::fs;

/// The resident memory of a process in megabytes (10⁶ bytes); None when it has ended.
pub fn resident(process: u32) -> Option<f64> {
    parse(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

/// `VmRSS:      2048 kB`
fn parse(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u32 = line.split_whitespace().next()?.parse().ok()?;
    Some(f64::from(kibibytes) * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_become_megabytes() {
        let megabytes = parse("Name:\ta\nVmRSS:\t   1000000 kB\nThreads:\t1\n").unwrap();
        assert!((megabytes - 1024.0).abs() < 1e-9, "{megabytes}");
        assert_eq!(parse("Name:\ta\n"), None);
        assert!(resident(std::process::id()).unwrap() > 0.1);
    }
}
