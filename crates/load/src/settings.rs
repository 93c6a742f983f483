//! Addresses and secrets of the servers, from `KEY=value` lines and the environment.

use std::{collections::BTreeMap, path::Path};

use crate::Usage;

/// The file that is read by default, if it exists.
pub const DEFAULT_FILE: &str = ".dev/env";

/// Named values. There is no `Debug`, because it would show secrets.
#[derive(Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the file's values; the environment takes precedence.
    pub fn load(file: Option<&Path>) -> Result<Self, Usage> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(_) if file.is_none() => String::new(),
            Err(error) => return Err(Usage(format!("could not read {}: {error}", path.display()))),
        };
        let mut settings = Self::parse(&text)
            .map_err(|line| Usage(format!("{}: line {line} is not KEY=value", path.display())))?;
        let environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        settings.0.extend(environment);
        Ok(settings)
    }

    /// Parses lines of `KEY=value`. Skips empty lines and `#` comments; removes a leading `export`
    /// and quotes around the value. The error is the number of the first invalid line.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut values = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (key, value) = line.split_once('=').ok_or(index + 1)?;
            values.insert(key.trim().to_owned(), unquote(value.trim()).to_owned());
        }
        Ok(Self(values))
    }

    /// Sets a value, if there is one.
    #[must_use]
    pub fn with(mut self, key: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.to_owned());
        }
        self
    }

    /// Returns a value if it is set and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns `<NAME>_1_URL`, `<NAME>_2_URL`, … up to the first missing one.
    pub fn instances(&self, name: &str) -> Vec<&str> {
        (1..)
            .map_while(|n| self.get(&format!("{name}_{n}_URL")))
            .collect()
    }
}

fn unquote(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_quotes_and_exports_are_parsed() {
        let settings = Settings::parse(
            "# servers\n\nSUNBEON_URL=http://127.0.0.1:1\nexport A = \"b=c\" \nEMPTY=\nQ='x'\r\n\
             WAITING_ROOM_1_URL=u1\nWAITING_ROOM_2_URL=u2\nWAITING_ROOM_4_URL=u4\n",
        )
        .unwrap_or_else(|line| panic!("line {line}"));
        assert_eq!(settings.get("SUNBEON_URL"), Some("http://127.0.0.1:1"));
        assert_eq!(settings.get("A"), Some("b=c"));
        assert_eq!(settings.get("Q"), Some("x"));
        assert_eq!(settings.get("EMPTY"), None);
        assert_eq!(settings.instances("WAITING_ROOM"), ["u1", "u2"]);
    }

    #[test]
    fn a_line_without_an_equals_sign_is_named() {
        assert_eq!(Settings::parse("A=1\nnonsense\n").err(), Some(2));
    }

    #[test]
    fn an_explicitly_named_file_must_exist() {
        assert!(Settings::load(Some(Path::new("/nowhere/env"))).is_err());
    }
}
