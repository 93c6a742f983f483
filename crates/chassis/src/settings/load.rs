//! Loading settings: the manual, then a file, then the environment.

use std::{collections::HashMap, fs};

use anyhow::{Context, anyhow, bail, ensure};
use config::{Config, ConfigError, Environment, File, FileFormat};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::DEFAULTS;

const PREFIX: &str = "SUNBEON__";

/// Settings whose value is itself the path of a file.
const PATHS: [&str; 1] = ["SUNBEON__AUTH__JWKS_FILE"];

/// Loads the settings of this process.
///
/// Errors name the setting and never show a secret.
pub fn load<T: DeserializeOwned>() -> anyhow::Result<T> {
    load_from(environment()?)
}

/// Does the same as [`load`], for two structs that each pick their sections.
pub(crate) fn load_both<One, Other>() -> anyhow::Result<(One, Other)>
where
    One: DeserializeOwned,
    Other: DeserializeOwned,
{
    let settings = Merged::from(environment()?)?;
    Ok((settings.read()?, settings.read()?))
}

/// Does the same as [`load`], with a given environment.
pub fn load_from<T: DeserializeOwned>(environment: HashMap<String, String>) -> anyhow::Result<T> {
    Merged::from(environment)?.read()
}

/// Returns the variables of this process that may be settings.
fn environment() -> anyhow::Result<HashMap<String, String>> {
    let unicode = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
        let key = key
            .into_string()
            .ok()
            .filter(|key| key.starts_with("SUNBEON"))?;
        Some(
            value
                .into_string()
                .map(|value| (key.clone(), value))
                .map_err(|_| key),
        )
    };
    let environment: Result<HashMap<_, _>, String> =
        std::env::vars_os().filter_map(unicode).collect();
    environment.map_err(|key| anyhow!("{key} is not valid Unicode"))
}

/// The settings of every section, and the manual.
struct Merged {
    settings: Config,
    manual: Config,
}

impl Merged {
    fn from(environment: HashMap<String, String>) -> anyhow::Result<Self> {
        let manual = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .build()
            .context("could not read the defaults")?;
        let mut builder = Config::builder().add_source(manual.clone());
        if let Some(path) = environment
            .get("SUNBEON_CONFIG")
            .filter(|path| !path.is_empty())
        {
            builder = builder.add_source(File::new(path, FileFormat::Toml));
        }
        let (lists, variables): (HashMap<_, _>, _) = with_files(environment)?
            .into_iter()
            .partition(|(key, _)| manual.get_array(&path(key)).is_ok());
        for (key, text) in &lists {
            builder = builder.set_override(path(key), separated(text))?;
        }
        // `try_parsing` must stay off: it would turn the secret `007` into `7`.
        let variables = Environment::with_prefix("SUNBEON")
            .prefix_separator("__")
            .separator("__")
            .source(Some(variables));
        let settings = builder
            .add_source(variables)
            .build()
            .context("could not read the settings")?;
        refuse_unknown_sections(&settings, &manual)?;
        Ok(Self { settings, manual })
    }

    fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_path_to_error::deserialize(self.settings.clone())
            .map_err(|error| wrong(&error, &self.manual))
    }
}

/// Returns an error that names the variable and a value that it would accept.
fn wrong(error: &serde_path_to_error::Error<ConfigError>, manual: &Config) -> anyhow::Error {
    let (path, cause) = (error.path().to_string(), error.inner());
    let variable = variable(&path);
    match manual.get_string(&path) {
        Ok(default) if !default.is_empty() => {
            anyhow!("{variable}: {cause}; the default is {variable}={default}")
        }
        _ => anyhow!("{variable}: {cause}"),
    }
}

/// Returns the environment variable of a setting, such as `SUNBEON__HTTP__BIND`.
fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.to_ascii_uppercase().replace('.', "__"))
}

/// Returns the path in a file of a variable, such as `http.cors_origins`.
fn path(key: &str) -> String {
    let key = key.strip_prefix(PREFIX).unwrap_or(key);
    key.to_ascii_lowercase().replace("__", ".")
}

/// Splits a list from the environment at its commas.
fn separated(text: &str) -> Vec<&str> {
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).collect()
}

/// Drops empty values and variables that are not settings, and replaces every `…_FILE` by the
/// file's contents.
fn with_files(environment: HashMap<String, String>) -> anyhow::Result<HashMap<String, String>> {
    let mut settings = HashMap::new();
    for (key, value) in environment {
        if !key.starts_with(PREFIX) || value.is_empty() {
            continue;
        }
        let (key, value) = match key.strip_suffix("_FILE") {
            Some(setting) if !PATHS.contains(&key.as_str()) => {
                let content = fs::read_to_string(&value)
                    .with_context(|| format!("could not read {value}, which {key} names"))?;
                (
                    setting.to_owned(),
                    without_last_line_break(&content).to_owned(),
                )
            }
            _ => (key, value),
        };
        if settings.insert(key.clone(), value).is_some() {
            bail!("{key} and {key}_FILE are both set: unset one of them");
        }
    }
    refuse_addresses_in_the_wrong_place(&settings)?;
    Ok(settings)
}

/// Refuses an address in the wrong place without showing it: it may hold a password, and the
/// parser's own errors would quote it.
fn refuse_addresses_in_the_wrong_place(settings: &HashMap<String, String>) -> anyhow::Result<()> {
    for (section, backend) in [("STORE", "REDIS"), ("BROKER", "RABBITMQ")] {
        let whole = format!("{PREFIX}{section}");
        let half = format!("{whole}__{backend}");
        let misplaced = settings.get(&whole).is_some_and(|value| value != "memory")
            || settings.contains_key(&half);
        ensure!(
            !misplaced,
            "{whole} can only be `memory`: an address goes into {half}__URL"
        );
    }
    Ok(())
}

fn without_last_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn refuse_unknown_sections(merged: &Config, manual: &Config) -> anyhow::Result<()> {
    let known: HashMap<String, IgnoredAny> = manual.clone().try_deserialize()?;
    let given: HashMap<String, IgnoredAny> = merged.clone().try_deserialize()?;
    for section in given.keys() {
        ensure!(
            known.contains_key(section),
            "there is no section `{section}`: settings are SUNBEON__SECTION__KEY, for example \
             SUNBEON__HTTP__BIND=127.0.0.1:8081"
        );
    }
    Ok(())
}
