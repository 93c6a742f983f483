#![doc = include_str!("../README.md")]

mod data;
mod floor;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
enum Command {
    /// Serves the floors
    Floor(floor::Options),
    /// Prints access tokens, one a line
    Tokens(data::Tokens),
    /// Prints booking tokens, one a line
    BookingTokens(data::BookingTokens),
    /// Prints passes of members who are in line, one a line
    Passes(data::PrintPasses),
    /// Opens a concert and puts members into it
    Fill(data::Fill),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Floor(options) => floor::serve(options).await,
        Command::Tokens(tokens) => tokens.print(),
        Command::BookingTokens(tokens) => tokens.print(),
        Command::Passes(passes) => passes.print().await,
        Command::Fill(fill) => fill.run().await,
    }
}
