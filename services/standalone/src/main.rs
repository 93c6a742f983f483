#![doc = include_str!("../README.md")]

mod demo;
mod dev_token;
mod options;
mod whole;

use std::process::ExitCode;

use clap::Parser;

use crate::{options::Options, whole::Whole};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let whole = Whole::build(&options).await?;
    whole.run(options.fans).await
}
