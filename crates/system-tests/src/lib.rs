#![doc = include_str!("../README.md")]

mod console;
mod front_door;
mod keys;
mod origin;
mod programs;
mod proxy;
mod replica;
mod stack;

use std::time::Duration;

use futures::StreamExt;
use tokio::task::JoinHandle;

pub use console::Console;
pub use front_door::FrontDoor;
pub use keys::run_keys;
pub use origin::Origin;
pub use proxy::{Kind, ShopDoor};
pub use replica::{Replica, ReplicaPlan, Service};
pub use stack::Stack;

/// Long enough for anything pending, on a machine that is busy with other tests.
pub const SOON: Duration = Duration::from_secs(30);

/// Carries out all of the work, at most `width` parts at a time, and returns the results in order.
///
/// # Panics
/// If a part panics.
pub async fn at_once<Work>(width: usize, work: impl IntoIterator<Item = Work>) -> Vec<Work::Output>
where
    Work: Future<Output: Send> + Send + 'static,
{
    let running = futures::stream::iter(work)
        .map(tokio::spawn)
        .buffered(width);
    running
        .map(|done| done.unwrap_or_else(again))
        .collect()
        .await
}

/// Returns the result of a task.
///
/// # Panics
/// If the task panicked.
pub async fn joined<T>(task: JoinHandle<T>) -> T {
    task.await.unwrap_or_else(again)
}

fn again<T>(error: tokio::task::JoinError) -> T {
    std::panic::resume_unwind(error.into_panic())
}
