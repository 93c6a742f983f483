use std::{env, fs, path::Path};

/// Compares a text with the golden file that pins it. `UPDATE=1` rewrites the file.
///
/// # Panics
/// If they differ; `why` says what a change of the file means.
pub fn pinned(file: impl AsRef<Path>, text: &str, why: &str) {
    let file = file.as_ref();
    if env::var_os("UPDATE").is_some() {
        let folder = file.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("the sources are writable");
        fs::write(file, text).expect("the sources are writable");
    }
    let pinned = fs::read_to_string(file).unwrap_or_default();
    let differ = || {
        let (old, new) = (pinned.lines(), text.lines());
        let gone = old.filter(|line| !text.contains(line));
        let added = new.filter(|line| !pinned.contains(line));
        let (gone, added) = (
            gone.map(|it| format!("-{it}\n")),
            added.map(|it| format!("+{it}\n")),
        );
        gone.chain(added).collect::<String>()
    };
    assert!(
        pinned == text,
        "{} is out of date (UPDATE=1 rewrites it): {why}\n{}",
        file.display(),
        differ()
    );
}
