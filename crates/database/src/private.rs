//! Who may read a database's file.

use std::path::Path;

/// Lets only this user read and write a database's file, and makes it first where there is none.
/// SQLite gives `-wal` and `-shm` the mode of the file when it makes them. If this fails, opening the
/// file tells why.
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

/// Leaves a file to the folder that it inherits its rights from.
#[cfg(not(unix))]
pub(crate) fn make_private(_: &Path) {}
