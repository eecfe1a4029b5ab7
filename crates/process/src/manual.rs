//! The man pages and shell completions that packages ship beside a binary.
//!
//! Made by the binary itself, which alone knows its commands, but only where it was built for that:
//! with the feature `manual`. It is not a command, because its own manual would list it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::output;

/// Where a completion belongs, below `share`.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions"),
    (Shell::Zsh, "zsh/vendor-completions"),
    (Shell::Fish, "fish/vendor_completions.d"),
];

/// Writes the manual of a binary if it was started as `PROGRAM manual FOLDER NAME`: below the folder
/// as below `/usr`, for a program that is installed under this name.
pub fn write_if_asked<Arguments: CommandFactory>() -> Option<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [asked, folder, name] = &arguments[..] else { return None };
    if asked != "manual" {
        return None;
    }
    match write(&Arguments::command(), Path::new(folder), name) {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(error) => {
            output::tell(&format!("cannot write the manual to {folder}: {error}"));
            Some(ExitCode::FAILURE)
        }
    }
}

fn write(command: &Command, folder: &Path, name: &str) -> io::Result<()> {
    // Commands have names that live as long as the program.
    let name: &'static str = name.to_owned().leak();
    let command = command.clone().name(name);
    let pages = folder.join("share/man/man1");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(command.clone(), pages)?;
    for (shell, below) in COMPLETIONS {
        let completions = folder.join("share").join(below);
        fs::create_dir_all(&completions)?;
        let path = clap_complete::generate_to(shell, &mut command.clone(), name, &completions)?;
        if shell == Shell::Bash {
            // Found by the name of the program.
            fs::rename(path, completions.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Subcommand};

    use super::*;

    /// Does a thing.
    #[derive(clap::Parser)]
    struct Arguments {
        #[command(subcommand)]
        _command: Option<Thing>,
    }

    #[derive(Subcommand)]
    enum Thing {
        /// Makes it.
        Make,
    }

    #[test]
    fn each_command_has_a_page_and_each_shell_its_completion() {
        let folder = tempfile::tempdir().unwrap();
        let command = Arguments::command().arg(Arg::new("how").long("how"));
        write(&command, folder.path(), "installed").unwrap();
        let read = |path: &str| fs::read_to_string(folder.path().join("share").join(path)).unwrap();
        assert!(read("man/man1/installed.1").contains("Does a thing"));
        assert!(read("man/man1/installed-make.1").contains("Makes it"));
        for completion in [
            "bash-completion/completions/installed",
            "zsh/vendor-completions/_installed",
            "fish/vendor_completions.d/installed.fish",
        ] {
            let text = read(completion);
            assert!(text.contains("how") && text.contains("make"), "{completion}: {text}");
        }
    }
}
