//! What `cargo xtask compose` can be told.

/// What takes less than a minute on two busy cores.
const DEFAULT_BACKLOG: u64 = 50_000;

/// How the deployment is tried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ComposeOptions {
    /// How many events the backlog has.
    pub(crate) backlog: u64,
    /// Docker of this machine and the images that compose.yaml names, instead of an engine and
    /// images of our own.
    pub(crate) uses_official_images: bool,
}

impl ComposeOptions {
    /// Reads the arguments; `None` if they say something else.
    pub(crate) fn parse(arguments: &[String]) -> Option<Self> {
        let mut options = Self { backlog: DEFAULT_BACKLOG, uses_official_images: false };
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match (word, words.next()?) {
                ("--backlog", events) => options.backlog = events.parse().ok()?,
                ("--images", "official") => options.uses_official_images = true,
                _ => return None,
            }
        }
        Some(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Option<ComposeOptions> {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        ComposeOptions::parse(&words)
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = ComposeOptions { backlog: 10, uses_official_images: true };
        assert_eq!(parse("--backlog 10 --images official").as_ref(), Some(&options));
        assert_eq!(parse("--images official --backlog 10").as_ref(), Some(&options));
    }

    #[test]
    fn what_is_not_an_option_is_refused() {
        for words in ["--backlog", "--backlog many", "--images ours", "all", "--help x"] {
            assert_eq!(parse(words), None, "{words}");
        }
    }
}
