//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::keys::Keys;

/// The whole of Sunbeon in one process, with a demo sale.
#[derive(Parser)]
#[command(name = "sunbeon", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Where to listen. Only on a loopback address, and not with a JWKS, there are a demo sale and
    /// POST /dev/token, which hands out access tokens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) bind: SocketAddr,

    /// Keep concerts, the audit and bookings in this folder; without it they are gone at the end.
    /// The line is in memory either way.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Size of the demo sale's crowd, 0 to 5000.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(0..=5000))]
    pub(crate) fans: u16,
}

/// What else this program does.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Look at or replace the keys that sign booking tokens.
    Keys(Keys),
}
