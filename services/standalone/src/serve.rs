//! `sunbeon serve`: running one service.

use std::process::ExitCode;

use clap::ValueEnum;

/// A service that scales independently, on servers shared with the others.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Service {
    /// Joining, status, leaving; the operators' view of the line
    WaitingRoom,
    /// Concerts and policies, opening batches, the schedule, the audit
    ReservationOpen,
    /// From ENTER messages to READY
    EntryConsumer,
    /// Booking tokens, completion, public keys; answers to gates and proxies
    Token,
    /// The reference shop behind the gate
    Booking,
    /// Sockets: places, calls, seats and stock as they change
    Realtime,
}

impl Service {
    /// Runs the service until it is told to stop.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::WaitingRoom => sunbeon_waiting_room::serve().await,
            Self::ReservationOpen => sunbeon_reservation_open::serve().await,
            Self::EntryConsumer => sunbeon_entry_consumer::serve().await,
            Self::Token => sunbeon_token::serve().await,
            Self::Booking => sunbeon_booking::serve().await,
            Self::Realtime => sunbeon_realtime::serve().await,
        }
    }
}
