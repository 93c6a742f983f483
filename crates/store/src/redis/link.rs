//! One connection to one server.

use std::time::{Duration, Instant};

use parking_lot::RwLock;
use redis::{
    Client, ConnectionInfo, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

/// The answers to the commands of a pipeline.
pub(super) type Answers = RedisResult<Vec<RedisResult<Value>>>;

/// One multiplexed connection, which reconnects when it breaks. It is given up when it is silent (a
/// peer that vanished without a word would hold it for as long as the kernel waits), and when its
/// server does not serve it: behind the same address a failover may have put another.
pub(super) struct Link {
    client: Client,
    config: ConnectionManagerConfig,
    limit: Duration,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    manager: ConnectionManager,
    /// How many were given up before.
    number: u64,
    since: Instant,
}

/// A connection younger than this is not given up because its server refuses writes, so that a
/// server that is still loading is not asked for a connection by every request.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_millis(250);

impl Link {
    /// Opens a connection of which every call takes no longer than `limit`, connecting included.
    pub(super) fn open(info: ConnectionInfo, limit: Duration) -> RedisResult<Self> {
        let client = Client::open(info)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(usize::MAX)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(500))
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(limit));
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        let current = Current {
            manager,
            number: 0,
            since: Instant::now(),
        };
        Ok(Self {
            client,
            config,
            limit,
            current: RwLock::new(current),
        })
    }

    /// Sends a pipeline and returns the answer of each command.
    pub(super) async fn send(&self, pipeline: &Pipeline) -> Answers {
        let mut used = self.current.read().clone();
        let call = pipeline.query_async::<Vec<RedisResult<Value>>>(&mut used.manager);
        let Ok(answers) = tokio::time::timeout(self.limit, call).await else {
            self.give_up(&used);
            return Err((ErrorKind::Io, "no answer within the limit").into());
        };
        let of_no_use = match &answers {
            Err(error) => error.is_timeout(),
            Ok(_) => used.since.elapsed() >= GIVE_UP_AFTER && has_failed(&answers),
        };
        if of_no_use {
            self.give_up(&used);
        }
        answers
    }

    /// Replaces the connection that was used, unless somebody else has.
    fn give_up(&self, used: &Current) {
        let mut current = self.current.write();
        let (client, config) = (self.client.clone(), self.config.clone());
        if current.number == used.number
            && let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config)
        {
            *current = Current {
                manager,
                number: used.number + 1,
                since: Instant::now(),
            };
        }
    }
}

/// Returns whether the connection broke, or its server did not serve a command.
pub(super) fn has_failed(answers: &Answers) -> bool {
    let Ok(each) = answers else { return true };
    let mut errors = each.iter().filter_map(|answer| answer.as_ref().err());
    errors.any(serves_not)
}

/// Whether a server said that it is a replica, lost its primary or its replicas, is loading, is cut off
/// from its cluster, or has no such key.
fn serves_not(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
    matches!(
        error.kind(),
        ErrorKind::Server(
            Ask | BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly | TryAgain
        )
    ) || error.code() == Some("NOREPLICAS")
}
