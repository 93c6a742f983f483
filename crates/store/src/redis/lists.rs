//! The lists of concerts: all, and those whose line is live.

use redis::Value;
use sunbeon_domain::ConcertId;

use super::{RedisStore, keys, verbs::bug};
use crate::{Result, Store, StoreError};

/// How long the list of live lines is kept, in milliseconds.
const LIVE_MS: i64 = 1_000;
/// With less time left the list is made anew.
const LIVE_MS_LEFT: i64 = 500;

impl RedisStore {
    /// Adds a concert to the list of all. A full Redis takes no new one; those on the list can be
    /// changed.
    pub(super) async fn list_concert(&self, id: &ConcertId) -> Result<()> {
        let command = |name| {
            let mut command = redis::cmd(name);
            command.arg(keys::CONCERTS).arg(id.as_str());
            command
        };
        let added: Result<u64> = self.connection.command(command("SADD")).await;
        if let Err(full @ StoreError::Full(_)) = added {
            let is_listed: bool = self.connection.command(command("SISMEMBER")).await?;
            return if is_listed { Ok(()) } else { Err(full) };
        }
        added.map(|_| ())
    }

    /// The lines that are live, by the list that is kept for all.
    pub(super) async fn live_lines(&self) -> Result<Vec<ConcertId>> {
        let mut known = redis::pipe();
        known.ignore_errors();
        known.cmd("PTTL").arg(keys::LIVE).cmd("GET").arg(keys::LIVE);
        let known = self.connection.commands(&known).await?;
        let parsed: (i64, Option<String>) =
            redis::from_redis_value(Value::Array(known)).map_err(bug)?;
        if let (LIVE_MS_LEFT.., Some(ids)) = parsed {
            let ids = ids.split_ascii_whitespace().map(ConcertId::parse);
            return ids.collect::<std::result::Result<_, _>>().map_err(bug);
        }
        let mut live = self.concerts().await?;
        let mut marks = redis::pipe();
        marks.ignore_errors();
        for ids in live.chunks(1_000) {
            marks
                .cmd("MGET")
                .arg(ids.iter().map(keys::live).collect::<Vec<_>>());
        }
        if !live.is_empty() {
            let marks = Value::Array(self.connection.commands(&marks).await?);
            let marks: Vec<Vec<Option<String>>> = redis::from_redis_value(marks).map_err(bug)?;
            let mut marks = marks.into_iter().flatten();
            live.retain(|_| marks.next().flatten().is_some());
        }
        let mut keep = redis::cmd("SET");
        let names: Vec<_> = live.iter().map(ConcertId::as_str).collect();
        keep.arg(keys::LIVE)
            .arg(names.join(" "))
            .arg("PX")
            .arg(LIVE_MS);
        match self.connection.command(keep).await {
            // A full Redis keeps no list, so everybody counts for themselves.
            Ok(()) | Err(StoreError::Full(_)) => Ok(live),
            Err(error) => Err(error),
        }
    }
}
