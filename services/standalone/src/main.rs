#![doc = include_str!("../README.md")]

mod demo;
mod dev_token;
mod keys;
mod options;
mod settings;
mod whole;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    options::{Command, Options},
    whole::Whole,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if let Some(Command::Keys(keys)) = options.command {
        keys.run()?;
        return Ok(ExitCode::SUCCESS);
    }
    let whole = Whole::build(&options).await?;
    whole.run(options.fans).await
}
