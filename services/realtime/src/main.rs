//! The realtime service as its own executable.

use std::process::ExitCode;

use sunbeon_chassis::command;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::serve(
        env!("CARGO_BIN_NAME"),
        env!("CARGO_PKG_DESCRIPTION"),
        sunbeon_realtime::serve,
    )
}
