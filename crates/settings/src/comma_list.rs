//! Lists as they are written: with commas in the environment, as an array in a file.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

/// A list that the environment writes with commas and a file as an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommaList<T>(pub Vec<T>);

impl<'de, T> Deserialize<'de> for CommaList<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Array(Vec<Item>),
            Text(String),
        }
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Item {
            Text(String),
            Number(i64),
        }
        let texts: Vec<String> = match Written::deserialize(deserializer)? {
            Written::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Item::Text(text) => text,
                    Item::Number(number) => number.to_string(),
                })
                .collect(),
            Written::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        };
        texts
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse().map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
