//! `/proc/PID/stat` and `/proc/PID/task/TID/stat` (proc(5)).

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The name of the process or thread, at most 15 bytes.
    pub name: String,
    /// The process that started it.
    pub parent: u32,
    /// Processor time, in the kernel's ticks: its own.
    pub own: u64,
    /// That of children which have ended and were waited for.
    pub ended_children: u64,
}

impl Stat {
    /// Reads the line. The name is in parentheses and may have spaces and parentheses of its own.
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once('(')?;
        let (name, rest) = rest.rsplit_once(')')?;
        // The third field of the line, the state, is the first one here.
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            name: name.to_owned(),
            parent: u32::try_from(field(4)?).ok()?,
            own: field(14)? + field(15)?,
            ended_children: field(16)? + field(17)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_whatever_name() {
        for name in ["postgres", "a (b) c", ") 1 2 3"] {
            let line = format!(
                "4711 ({name}) S 17 4711 4711 0 -1 4194560 900 800 0 0 250 50 7 3 20 0 1 0 99 1 2"
            );
            let expected = Stat { name: name.to_owned(), parent: 17, own: 300, ended_children: 10 };
            assert_eq!(Stat::parse(&line), Some(expected));
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for line in ["", "4711", "4711 (a", "4711 (a) S 17 1 2 3", "4711 (a) S x y"] {
            assert_eq!(Stat::parse(line), None, "{line}");
        }
    }

    #[test]
    fn our_own_is_read() {
        let line = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(Stat::parse(&line).unwrap().parent > 0);
    }
}
