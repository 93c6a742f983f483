use std::hash::{BuildHasher, RandomState};
use std::process::Command;

/// Runs a command and returns its output; panics with its output if it failed.
pub(crate) fn run_tool(name: &str, mut command: Command) -> String {
    let done = command.output().unwrap_or_else(|error| {
        panic!(
            "{name} does not run ({error}); is {:?} installed?",
            command.get_program()
        )
    });
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(
        done.status.success(),
        "{name} failed ({}):\n{out}{err}",
        done.status
    );
    out.into_owned()
}

/// Returns a name that no other test uses: lower-case letters, digits and `_`.
pub(crate) fn fresh_name() -> String {
    let drawn = RandomState::new().hash_one(std::process::id());
    format!("sunbeon_test_{:x}_{drawn:016x}", std::process::id())
}
