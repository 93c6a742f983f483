//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use sunbeon_chassis::command::SETTINGS;

use crate::{health::Health, keys::Keys, openapi::Documented, plan::Plan, serve::Service};

/// All of Sunbeon in one process, with a demo sale.
#[derive(Parser)]
#[command(name = "sunbeon", version, args_conflicts_with_subcommands = true, after_help = SETTINGS)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Address to listen on [default: SUNBEON__HTTP__BIND, or 127.0.0.1:8080]. The demo sale and POST /dev/token, which hands out access tokens,
    /// exist only on a loopback address, and only if neither a secret nor a login's JWKS is set
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bind: Option<String>,

    /// Keep concerts, the audit and bookings in this folder; without it they end with the process.
    /// The line is always in memory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Size of the demo crowd, 0 to 5000
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(0..=5000))]
    pub(crate) fans: u16,

    /// Log on a terminal what SUNBEON__TELEMETRY__LOG says, not only warnings
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// The program's other commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run one service, on the Redis, RabbitMQ and PostgreSQL in the settings
    #[command(after_help = SETTINGS)]
    Serve {
        /// The service to run
        service: Service,
    },
    /// Ask whether a process is ready: for a container's health check
    Health(Health),
    /// List or replace the keys that sign booking tokens
    Keys(Keys),
    /// Print an OpenAPI document
    Openapi {
        /// The service; if left out, all services combined
        service: Option<Documented>,
    },
    /// Say what a crowd needs: replicas, Redis, RabbitMQ, and how long the last one waits
    Plan(Plan),
    /// Send a crowd through a sale over HTTP and check every promise of the servers
    Load(sunbeon_load::options::Options),
    /// Play a small sale through a deployment's public door, and say GO or NO-GO
    Rehearse(sunbeon_load::rehearse::Rehearsal),
}
