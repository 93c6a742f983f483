//! Third-party programs.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use sunbeon_test_support::Process;

/// Finds a program where `scripts/test` or Debian puts it.
pub(crate) fn program(name: &str) -> PathBuf {
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/bin");
    let folders = [tools, "/usr/sbin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
    let found = folders.into_iter().find(|program| program.exists());
    found.unwrap_or_else(|| name.into())
}

/// Runs nginx with a site's configuration in its own folder.
pub(crate) fn run_nginx(folder: &Path, site: &str) -> Process {
    fs::write(folder.join("site.conf"), site).expect("a new folder is writable");
    fs::write(folder.join("nginx.conf"), settings(folder)).expect("a new folder is writable");
    let mut command = Command::new(program("nginx"));
    command
        .arg("-p")
        .arg(folder)
        .args(["-e", "stderr", "-c"])
        .arg(folder.join("nginx.conf"));
    Process::run("nginx", command)
}

/// Returns the configuration around the site's.
fn settings(folder: &Path) -> String {
    // When started as root, nginx would run its workers as a user who cannot write here.
    let root = fs::metadata("/proc/self").is_ok_and(|of_mine| of_mine.uid() == 0);
    let user = if root { "user root;" } else { "" };
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "{user}\ndaemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr notice;\n\
        events {{ worker_connections 4096; }}\n\
        http {{\naccess_log off;\n{temporary}include {folder}/site.conf;\n}}\n"
    )
}
