//! `docs/settings.md` agrees with `defaults.toml`.

use std::collections::BTreeMap;

use sunbeon_chassis::settings::DEFAULTS;

const MANUAL: &str = include_str!("../../../../docs/settings.md");

const COMPOSE: &str = include_str!("../../../../docker-compose.yml");

/// A setting in the defaults file. One that is commented out has no default; its value is an
/// example, or what applies if it is left out.
#[derive(Debug)]
struct Setting {
    value: String,
    commented: bool,
}

/// Returns every setting by its environment variable.
fn settings() -> BTreeMap<String, Setting> {
    let (mut section, mut commented_section) = (String::new(), None);
    let mut settings = BTreeMap::new();
    for line in DEFAULTS.lines() {
        let commented = line.starts_with('#');
        let text = line.trim_start_matches('#').trim();
        let heading = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        match (heading, commented) {
            (Some(name), true) => commented_section = Some(name.to_owned()),
            (Some(name), false) => (section, commented_section) = (name.to_owned(), None),
            (None, _) => {
                let section = match &commented_section {
                    Some(name) if commented => name,
                    _ => &section,
                };
                if let Some((key, value)) = assignment(text) {
                    let setting = Setting { value, commented };
                    settings.insert(variable(section, key), setting);
                }
            }
        }
    }
    settings
}

/// Parses `key = value`, dropping quotes and a trailing comment.
fn assignment(text: &str) -> Option<(&str, String)> {
    let (key, rest) = text.split_once(" =")?;
    let is_key = key
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let value = match rest.trim().strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split('#').next()?.trim(),
    };
    is_key.then(|| (key, value.to_owned()))
}

fn variable(section: &str, key: &str) -> String {
    let path = section
        .split('.')
        .filter(|part| !part.is_empty())
        .chain([key]);
    let path: Vec<_> = path.map(str::to_uppercase).collect();
    format!("SUNBEON__{}", path.join("__"))
}

/// Returns the rows of the manual: variable and default.
fn rows() -> Vec<(&'static str, &'static str)> {
    let rows = MANUAL
        .lines()
        .filter_map(|line| line.strip_prefix("| `SUNBEON__"));
    let row = |line: &'static str| {
        let mut cells = line.split(" | ");
        let name = cells.next()?.trim_end_matches('`');
        Some((name, cells.next()?))
    };
    rows.map(|line| row(line).unwrap_or_else(|| panic!("a row without a default: {line}")))
        .collect()
}

#[test]
fn the_manual_lists_every_setting_with_its_default() {
    let settings = settings();
    assert!(
        settings.len() > 25,
        "the defaults are not understood: {settings:#?}"
    );
    let rows: BTreeMap<_, _> = rows()
        .into_iter()
        .map(|(name, default)| (format!("SUNBEON__{name}"), default))
        .collect();
    for (name, setting) in &settings {
        let default = rows
            .get(name)
            .unwrap_or_else(|| panic!("docs/settings.md lacks {name}"));
        let quoted = format!("`{}`", setting.value);
        let right = match (setting.commented, setting.value.as_str()) {
            (_, "") => *default == "-",
            (false, _) => *default == quoted,
            // An example, or the value that applies when only the rest of the section is set.
            (true, _) => default.ends_with(&quoted),
        };
        assert!(
            right,
            "docs/settings.md says {default} for {name}: {setting:?}"
        );
    }
    for name in rows.keys() {
        assert!(
            settings.contains_key(name),
            "docs/settings.md lists {name}, which is not a setting"
        );
    }
}

#[test]
fn docker_compose_names_only_settings_that_exist() {
    let settings = settings();
    let words = COMPOSE.split(|c: char| !c.is_ascii_uppercase() && !"_0123456789".contains(c));
    let named: Vec<_> = words.filter(|word| word.starts_with("SUNBEON__")).collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        let setting = name.strip_suffix("_FILE").unwrap_or(name);
        let known = settings.contains_key(name) || settings.contains_key(setting);
        assert!(known, "there is no setting {name}");
    }
}

#[test]
fn no_setting_is_listed_twice() {
    let mut names: Vec<_> = rows().into_iter().map(|(name, _)| name).collect();
    let listed = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), listed);
}
