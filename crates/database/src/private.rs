//! File permissions of a SQLite database.

use std::path::Path;

/// Lets only this user read and write a database's file, creating it first if needed. SQLite gives
/// `-wal` and `-shm` the same mode when it creates them. If this fails, opening the file will
/// report why.
#[cfg(unix)]
pub(crate) fn make_private(file: &Path) {
    use std::{
        fs::{OpenOptions, Permissions, set_permissions},
        os::unix::fs::{OpenOptionsExt, PermissionsExt},
    };

    const OWNER_ONLY: u32 = 0o600;
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(OWNER_ONLY);
    let _ = options.open(file);
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        let _ = set_permissions(name, Permissions::from_mode(OWNER_ONLY));
    }
}

/// Leaves the file with the permissions that it inherits from its folder.
#[cfg(not(unix))]
pub(crate) fn make_private(_: &Path) {}
