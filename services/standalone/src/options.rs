//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use sunbeon_chassis::command::SETTINGS;

use crate::{keys::Keys, openapi::Api, serve::Service};

/// The whole of Sunbeon in one process, with a demo sale.
#[derive(Parser)]
#[command(name = "sunbeon", version, args_conflicts_with_subcommands = true, after_help = SETTINGS)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Where to listen. The demo sale and POST /dev/token, which hands out access tokens, exist only
    /// on a loopback address, and only while no secret and no JWKS of a login is set.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) bind: String,

    /// Keep concerts, the audit and bookings in this folder; without it they end with the process.
    /// The line is in memory either way.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Size of the demo sale's crowd, 0 to 5000.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(0..=5000))]
    pub(crate) fans: u16,

    /// Log more than warnings on a terminal: what SUNBEON__TELEMETRY__LOG says.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// What else this program does.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run one service, on the Redis, RabbitMQ and PostgreSQL that the settings name.
    #[command(after_help = SETTINGS)]
    Serve {
        /// Which one.
        service: Service,
    },
    /// Look at or replace the keys that sign booking tokens.
    Keys(Keys),
    /// Print an OpenAPI document.
    Openapi {
        /// Of one service; without it, of all in one.
        service: Option<Api>,
    },
    /// Send a crowd through a sale over HTTP and hold the servers to their promises.
    Load(sunbeon_load::options::Options),
}
