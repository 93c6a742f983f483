#![doc = include_str!("../README.md")]

mod breaking;
mod demo;
mod dev_session;
mod dev_token;
mod health;
mod keys;
mod openapi;
mod options;
mod plan;
mod serve;
mod settings;
mod whole;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use sunbeon_chassis::command;

use crate::{
    options::{Command, Options},
    whole::Whole,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::run(run(Options::parse()))
}

async fn run(options: Options) -> anyhow::Result<ExitCode> {
    match options.command {
        None => {
            let whole = Whole::build(&options).await?;
            whole.run(options.fans).await
        }
        Some(Command::Serve { service }) => service.run().await,
        Some(Command::Health(health)) => health.run().await,
        Some(Command::Openapi { service }) => {
            print(&openapi::document(service)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Keys(keys)) => keys.run().map(|()| ExitCode::SUCCESS),
        Some(Command::Plan(plan)) => plan.run(),
        Some(Command::Load(options)) => Ok(sunbeon_load::command(&options).await),
        Some(Command::Rehearse(options)) => Ok(sunbeon_load::rehearse::command(&options).await),
    }
}

/// Prints a text that may be piped into a program that reads only its beginning.
fn print(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}
