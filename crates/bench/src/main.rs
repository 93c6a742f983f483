#![doc = include_str!("../README.md")]

mod data;
mod floor;
mod line;
mod shell;
mod sockets;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
enum Command {
    /// Serves the floors
    Floor(floor::Options),
    /// Serves the shell alone; settings as for a service
    Shell,
    /// Prints access tokens, one a line
    Tokens(data::Tokens),
    /// Prints booking tokens, one a line
    BookingTokens(data::BookingTokens),
    /// Prints passes of members who are in line, one a line
    Passes(data::PrintPasses),
    /// Prints what lines cost Redis
    Line(line::Options),
    /// Opens a concert and puts members into it
    Fill(data::Fill),
    /// Opens members' sockets, and prints what they take and how late they hear
    Sockets(sockets::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Command::parse() {
        Command::Floor(options) => floor::serve(options).await?,
        Command::Shell => return shell::serve().await,
        Command::Tokens(tokens) => tokens.print()?,
        Command::BookingTokens(tokens) => tokens.print()?,
        Command::Passes(passes) => passes.print().await?,
        Command::Line(options) => line::measure(options).await?,
        Command::Fill(fill) => fill.run().await?,
        Command::Sockets(options) => sockets::measure(options).await?,
    }
    Ok(ExitCode::SUCCESS)
}
