//! The names that publishers, consumers and operators share.

/// The durable quorum queue of ENTER messages. Publishers use the default exchange.
pub const ENTER_QUEUE: &str = "reservation.enter";
/// The fanout exchange for dead letters of `reservation.enter`, and the queue bound to it.
pub const DEAD_EXCHANGE: &str = "reservation.enter.dead";
/// The capped queue of dead letters, for diagnosis.
pub const DEAD_QUEUE: &str = "reservation.enter.dead";
/// How many dead letters are kept; the oldest are dropped first.
pub const DEAD_QUEUE_LENGTH: i64 = 10_000;
/// An exclusive queue that only one process at a time can declare: whoever has it works on the dead
/// letters.
pub const DEAD_TURN: &str = "reservation.enter.dead.turn";
/// The topic exchange of events.
pub const EVENTS_EXCHANGE: &str = "sunbeon.events";
