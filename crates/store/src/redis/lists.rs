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
        let ask = async |name| {
            self.connection
                .command(name, keys::CONCERTS, id.as_str())
                .await
        };
        let added: Result<u64> = ask("SADD").await;
        if let Err(full @ StoreError::Full(_)) = added {
            let is_listed = ask("SISMEMBER").await? == 1;
            return if is_listed { Ok(()) } else { Err(full) };
        }
        added.map(|_| ())
    }

    /// The lines that are live, by the list that is kept for all.
    pub(super) async fn live_lines(&self) -> Result<Vec<ConcertId>> {
        let known = ["PTTL", "GET"].map(|name| {
            let mut command = redis::cmd(name);
            command.arg(keys::LIVE);
            (keys::LIVE.to_owned(), command)
        });
        let known = self.connection.commands(known.into()).await?;
        let parsed: (i64, Option<String>) =
            redis::from_redis_value(Value::Array(known)).map_err(bug)?;
        if let (LIVE_MS_LEFT.., Some(ids)) = parsed {
            let ids = ids.split_ascii_whitespace().map(ConcertId::parse);
            return ids.collect::<std::result::Result<_, _>>().map_err(bug);
        }
        let live = self.marked_live(self.concerts().await?).await?;
        let names: Vec<_> = live.iter().map(ConcertId::as_str).collect();
        let names = names.join(" ");
        let keep = (names, "PX", LIVE_MS);
        match self.connection.command("SET", keys::LIVE, keep).await {
            // A full Redis keeps no list, so everybody counts for themselves.
            Ok(()) | Err(StoreError::Full(_)) => Ok(live),
            Err(error) => Err(error),
        }
    }

    /// Those of these concerts whose line is live.
    async fn marked_live(&self, ids: Vec<ConcertId>) -> Result<Vec<ConcertId>> {
        let groups = self.connection.together(ids, keys::live);
        let groups: Vec<_> = groups.iter().flat_map(|ids| ids.chunks(1_000)).collect();
        let reads = groups.iter().map(|ids| {
            let keys: Vec<_> = ids.iter().map(keys::live).collect();
            let mut read = redis::cmd("MGET");
            read.arg(&keys);
            (keys.into_iter().next().unwrap_or_default(), read)
        });
        let marks = Value::Array(self.connection.commands(reads.collect()).await?);
        let marks: Vec<Vec<Option<String>>> = redis::from_redis_value(marks).map_err(bug)?;
        let marked = groups
            .into_iter()
            .flatten()
            .zip(marks.into_iter().flatten());
        let live = marked.filter_map(|(id, mark)| mark.map(|_| id.clone()));
        Ok(live.collect())
    }
}
