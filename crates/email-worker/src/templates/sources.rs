//! Where the templates come from: compiled in, and over these the operator's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use domain::LanguageTag;

use super::error::TemplateError;

/// What every language has.
pub(super) const FILE_NAMES: [&str; 7] = include!("file_names.rs");

/// What all languages share: the frames of the texts and of the HTML.
const LAYOUTS: [(&str, &str); 2] = [
    ("layout.html", include_str!("../../templates/layout.html")),
    ("layout.txt", include_str!("../../templates/layout.txt")),
];

/// Each language with its files, in the order of their names.
const BUILT_IN: &[(&str, [&str; FILE_NAMES.len()])] =
    &include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// A template: its text, and where it is from, for people.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) text: String,
    pub(super) origin: String,
}

/// By the name by which templates name each other.
pub(super) type LanguageSources = BTreeMap<String, Source>;

/// The templates of each language.
pub(super) fn load(
    directory: Option<&Path>,
) -> Result<BTreeMap<String, LanguageSources>, TemplateError> {
    let layouts = LAYOUTS.map(|(name, text)| (name.to_owned(), built_in(name, text)));
    let mut layouts = LanguageSources::from(layouts);
    let mut languages: BTreeMap<String, LanguageSources> = BUILT_IN
        .iter()
        .map(|(language, texts)| ((*language).to_owned(), built_in_language(language, texts)))
        .collect();
    if let Some(directory) = directory {
        read_root(directory, &mut layouts, &mut languages)?;
    }
    for (language, sources) in &mut languages {
        let complete: BTreeSet<&str> = sources.keys().map(String::as_str).collect();
        if let Some(missing) = FILE_NAMES.into_iter().find(|name| !complete.contains(name)) {
            return Err(TemplateError::Missing { language: language.clone(), missing });
        }
        sources.extend(layouts.clone());
    }
    Ok(languages)
}

fn built_in(name: &str, text: &str) -> Source {
    Source { text: text.to_owned(), origin: format!("the built-in {name}") }
}

fn built_in_language(language: &str, texts: &[&str; FILE_NAMES.len()]) -> LanguageSources {
    let named = FILE_NAMES.into_iter().zip(texts);
    named
        .map(|(name, text)| (name.to_owned(), built_in(&format!("{language}/{name}"), text)))
        .collect()
}

/// Reads the layouts, and a folder for each language.
fn read_root(
    directory: &Path,
    layouts: &mut LanguageSources,
    languages: &mut BTreeMap<String, LanguageSources>,
) -> Result<(), TemplateError> {
    for (name, path) in visible_entries(directory)? {
        if path.is_dir() {
            let tag = LanguageTag::parse(&name)
                .map_err(|_| TemplateError::NotALanguage { path: path.display().to_string() })?;
            let sources = languages.entry(tag.as_str().to_owned()).or_default();
            for (name, path) in visible_entries(&path)? {
                insert_file(sources, &FILE_NAMES, &name, &path)?;
            }
        } else {
            insert_file(layouts, &LAYOUTS.map(|(name, _)| name), &name, &path)?;
        }
    }
    Ok(())
}

fn insert_file(
    sources: &mut LanguageSources,
    known: &[&str],
    name: &str,
    path: &Path,
) -> Result<(), TemplateError> {
    let origin = path.display().to_string();
    if !known.contains(&name) {
        return Err(TemplateError::UnknownFile { path: origin, known: known.join(", ") });
    }
    let text = fs::read_to_string(path)
        .map_err(|error| TemplateError::Unreadable { path: origin.clone(), error })?;
    sources.insert(name.to_owned(), Source { text, origin });
    Ok(())
}

/// Everything but what tools hide, such as `.git`.
fn visible_entries(directory: &Path) -> Result<Vec<(String, std::path::PathBuf)>, TemplateError> {
    let unreadable =
        |error| TemplateError::Unreadable { path: directory.display().to_string(), error };
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.push((name, entry.path()));
        }
    }
    // In an order of their own, so that two starts complain of the same.
    entries.sort();
    Ok(entries)
}
