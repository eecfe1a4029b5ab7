//! Standard output and standard error, which may be closed, full, or read by nobody.
//!
//! `println!` and `eprintln!` panic where they cannot write, so nothing uses them.

use std::io::{ErrorKind, Write};

use crate::error::StartError;
use crate::standard_error;

/// Writes what a command was asked for to standard output. A reader that has seen enough (`| head`)
/// is not an error.
pub fn write_output(text: &str) -> Result<(), StartError> {
    print(text).map(|_| ())
}

/// Writes a part of it, and returns whether anybody still reads.
pub(crate) fn print(text: &str) -> Result<bool, StartError> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(StartError::Output(error)),
    }
}

/// Tells a person something on standard output, if anybody is there to read it.
pub fn greet(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Tells a person something on standard error, if anybody is there to read it.
pub fn tell(text: &str) {
    standard_error::write_line(format!("{text}\n").as_bytes());
    standard_error::flush();
}
