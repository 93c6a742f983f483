//! `sunbeon keys`: rotating the keys that sign booking tokens.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, Subcommand};
use sunbeon_tokens::{InvalidKeys, SigningKeys};

/// List or replace the keys that sign booking tokens, in a PEM file. The first key is active: it
/// signs new tokens. All keys are published.
#[derive(Args)]
pub(crate) struct Keys {
    /// The file that SUNBEON__BOOKING_TOKEN__SIGNING_KEY_FILE names
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Print the id of each key
    List,
    /// Make a new key and print its id. It is published but does not sign yet, unless it is the
    /// first one
    Add,
    /// Make a key the one that signs
    Activate {
        /// The key's id
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Remove a key that does not sign. Its tokens are no longer valid
    Retire {
        /// The key's id
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

impl Keys {
    /// Runs the command. Prints nothing secret.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        print!("{}", self.outcome()?);
        Ok(())
    }

    /// Returns the text to print.
    fn outcome(&self) -> anyhow::Result<String> {
        let file = &self.file;
        let refused = |kid: &str| format!("{} is unchanged: key {kid}", file.display());
        match &self.act {
            Act::List => Ok(listed(&read(file)?)),
            Act::Add => {
                let file = Locked::new(file)?;
                let mut keys = None;
                if file.is_there() {
                    keys = Some(read(file.path())?);
                }
                let (keys, kid) = added(keys)?;
                file.write(&keys)?;
                Ok(format!("{kid}\n"))
            }
            Act::Activate { kid } => change(file, |keys| {
                keys.activate(kid).with_context(|| refused(kid))
            }),
            Act::Retire { kid } => {
                change(file, |keys| keys.retire(kid).with_context(|| refused(kid)))
            }
        }
    }
}

/// Returns the keys with a new one added at the end, and its id.
fn added(keys: Option<SigningKeys>) -> Result<(SigningKeys, String), InvalidKeys> {
    let Some(mut keys) = keys else {
        let keys = SigningKeys::generate()?;
        let kid = keys.active_kid().to_owned();
        return Ok((keys, kid));
    };
    let kid = keys.add()?.to_owned();
    Ok((keys, kid))
}

fn change(
    file: &Path,
    change: impl FnOnce(&mut SigningKeys) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let file = Locked::new(file)?;
    let mut keys = read(file.path())?;
    change(&mut keys)?;
    file.write(&keys)?;
    Ok(listed(&keys))
}

fn read(file: &Path) -> anyhow::Result<SigningKeys> {
    let content = fs::read_to_string(file);
    let text = content.with_context(|| format!("could not read {}", file.display()))?;
    SigningKeys::from_pem(&text).with_context(|| format!("{} contains no keys", file.display()))
}

fn listed(keys: &SigningKeys) -> String {
    let role = |kid: &str| match kid == keys.active_kid() {
        true => "active",
        false => "published",
    };
    keys.kids()
        .map(|kid| format!("{kid} {}\n", role(kid)))
        .collect()
}

/// A file that nobody else can change meanwhile: the new content is written beside it and replaces
/// it atomically. Content that was not completed is removed.
struct Locked {
    path: PathBuf,
    new_path: PathBuf,
    new: File,
}

impl Locked {
    fn new(path: &Path) -> anyhow::Result<Self> {
        // The file itself, if the path is a link to it.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut new_path = path.clone().into_os_string();
        new_path.push(".new");
        let new_path = PathBuf::from(new_path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let new = options.open(&new_path).with_context(|| {
            format!(
                "could not create {}; if it exists, another change is in progress or was interrupted",
                new_path.display()
            )
        })?;
        Ok(Self {
            path,
            new_path,
            new,
        })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn is_there(&self) -> bool {
        // A dangling link counts as existing, and must not be replaced.
        self.path.symlink_metadata().is_ok()
    }

    /// Replaces the file's keys, keeping the permissions of the previous file.
    fn write(mut self, keys: &SigningKeys) -> anyhow::Result<()> {
        let failed = || format!("could not write {}", self.path.display());
        if let Ok(before) = fs::metadata(&self.path) {
            self.new
                .set_permissions(before.permissions())
                .with_context(failed)?;
        }
        self.new
            .write_all(keys.to_pem().as_bytes())
            .with_context(failed)?;
        self.new.sync_all().with_context(failed)?;
        fs::rename(&self.new_path, &self.path).with_context(failed)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // It is gone already if it has replaced the file.
        let _ = fs::remove_file(&self.new_path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self) -> PathBuf {
            self.0.path().join("booking-token.pem")
        }

        fn run(&self, act: Act) -> anyhow::Result<String> {
            let file = self.file();
            Keys { file, act }.outcome()
        }

        fn add(&self) -> String {
            self.run(Act::Add).unwrap().trim_end().to_owned()
        }

        fn refused(&self, act: Act) -> String {
            let before = fs::read(self.file()).ok();
            let error = format!("{:#}", self.run(act).unwrap_err());
            assert_eq!(fs::read(self.file()).ok(), before, "nothing has changed");
            let left = fs::read_dir(self.0.path()).unwrap().count();
            assert_eq!(
                left,
                usize::from(before.is_some()),
                "nothing is left behind"
            );
            error
        }
    }

    fn activate(kid: &str) -> Act {
        Act::Activate {
            kid: kid.to_owned(),
        }
    }

    fn retire(kid: &str) -> Act {
        Act::Retire {
            kid: kid.to_owned(),
        }
    }

    #[test]
    fn a_key_is_replaced_in_three_steps() {
        let folder = Folder::new();
        let old = folder.add();
        assert_eq!(folder.run(Act::List).unwrap(), format!("{old} active\n"));
        let new = folder.add();
        let both = format!("{old} active\n{new} published\n");
        assert_eq!(folder.run(Act::List).unwrap(), both);
        let swapped = format!("{new} active\n{old} published\n");
        assert_eq!(folder.run(activate(&new)).unwrap(), swapped);
        assert_eq!(folder.run(retire(&old)).unwrap(), format!("{new} active\n"));
        assert_eq!(folder.run(Act::List).unwrap(), format!("{new} active\n"));
    }

    #[test]
    fn impossible_steps_are_reported_and_change_nothing() {
        let folder = Folder::new();
        for act in [Act::List, activate("x"), retire("x")] {
            assert!(folder.refused(act).contains("could not read"));
        }
        let first = folder.add();
        assert!(folder.refused(retire(&first)).contains("the only key"));
        let second = folder.add();
        for act in [activate("unknown"), retire("unknown")] {
            let error = folder.refused(act);
            assert!(
                error.contains("key unknown") && error.contains("no signing key"),
                "{error}"
            );
        }
        assert!(folder.refused(retire(&first)).contains("the active key"));
        assert!(folder.run(Act::List).unwrap().contains(&second));
        fs::write(folder.file(), "no keys").unwrap();
        for act in [Act::List, Act::Add, activate(&first), retire(&second)] {
            assert!(folder.refused(act).contains("contains no keys"));
        }
    }

    #[test]
    fn a_running_change_locks_others_out() {
        let folder = Folder::new();
        folder.add();
        let under_way = Locked::new(&folder.file()).unwrap();
        let error = format!("{:#}", folder.run(Act::Add).unwrap_err());
        assert!(error.contains("another change is in progress"), "{error}");
        drop(under_way);
        folder.add();
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_private_and_an_existing_one_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let mode = || fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777;
        folder.add();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).unwrap();
        folder.add();
        assert_eq!(mode(), 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = Folder::new();
        let target = folder.0.path().join("target.pem");
        let keys = SigningKeys::generate().unwrap();
        fs::write(&target, keys.to_pem()).unwrap();
        std::os::unix::fs::symlink(&target, folder.file()).unwrap();
        folder.add();
        assert!(folder.file().symlink_metadata().unwrap().is_symlink());
        assert_eq!(read(&target).unwrap().kids().count(), 2);
    }

    #[test]
    fn no_secret_is_printed() {
        let folder = Folder::new();
        let kid = folder.add();
        let printed = folder.run(Act::List).unwrap() + &kid + &folder.refused(retire(&kid));
        let text = fs::read_to_string(folder.file()).unwrap();
        let secret = text.lines().nth(1).unwrap();
        assert!(!printed.contains(secret) && !printed.contains("PRIVATE"));
    }
}
