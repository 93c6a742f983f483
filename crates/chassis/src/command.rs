//! The command line of an executable: its arguments, its runtime and its error output.

use std::process::ExitCode;

use anyhow::Context;
use clap::Command;

/// Runs a service as its own executable. Its only arguments are `--help` and `--version`;
/// everything else is a setting.
pub fn serve<F>(name: &'static str, about: &'static str, service: impl FnOnce() -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<ExitCode>>,
{
    Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .after_help(SETTINGS)
        .get_matches();
    run(service())
}

/// The part of `--help` that explains where settings come from.
pub const SETTINGS: &str = "Settings are environment variables, such as \
    SUNBEON__HTTP__BIND=127.0.0.1:8081; docs/settings.md lists all of them.";

/// Runs an executable's work on a new runtime. An error is printed with its causes, and without a
/// backtrace whatever `RUST_BACKTRACE` is set to.
pub fn run(work: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime");
    let done = runtime.and_then(|runtime| runtime.block_on(work));
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
