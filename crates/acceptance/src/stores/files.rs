//! The files of a standalone deployment.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};

use crate::system::System;

/// Every file that a standalone system has written, byte by byte as far as it is text.
pub fn data_files(system: &System) -> BTreeMap<String, String> {
    let read = |file: DirEntry| {
        let content = fs::read(file.path()).unwrap();
        (
            file.file_name().to_string_lossy().into_owned(),
            String::from_utf8_lossy(&content).into_owned(),
        )
    };
    let files = fs::read_dir(system.data_directory()).unwrap().map(Result::unwrap);
    files.filter(|file| file.path().is_file()).map(read).collect()
}
