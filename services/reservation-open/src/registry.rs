//! The registry: concerts and their policies, in SQLite or PostgreSQL.

pub(crate) mod acts;
pub(crate) mod concerts;
mod error;
mod in_force;
pub(crate) mod project;
pub(crate) mod reading;
mod rows;
mod tables;

use sunbeon_database::{Database, Statement};
use sunbeon_domain::{Concert, ConcertId, Policy};

pub use self::error::RegistryError;
use self::{error::Result, rows::Registered, tables::Tables};

/// The registry. A cheap handle.
#[derive(Clone)]
pub struct Registry(Tables);

impl Registry {
    /// Opens a registry. A database that is down is not an error.
    pub fn open(url: &str) -> Result<Self> {
        Tables::open(url).map(Self)
    }

    /// Returns every statement of the registry, for a test that prepares each on both databases.
    pub fn statements() -> impl Iterator<Item = &'static Statement> {
        let all = [tables::STATEMENTS, crate::audit::STATEMENTS];
        all.into_iter().flatten().copied()
    }

    /// Brings the tables up to date; cheap if they are.
    pub async fn migrate(&self) -> Result<()> {
        self.0.migrate().await
    }

    /// Waits until [`Registry::migrate`] has succeeded once, at most two seconds.
    pub async fn migrated(&self) {
        self.database().migrated().await;
    }

    /// Closes the database's connections.
    pub async fn close(&self) {
        self.database().close().await;
    }

    /// Returns whether the database accepts writes.
    pub async fn is_up(self) -> bool {
        self.0.ping().await.is_ok()
    }

    /// Adds a concert. Its version continues that of a deleted concert with the same id.
    pub(crate) async fn create(&self, id: &ConcertId, policy: &Policy) -> Result<Concert> {
        let concert = Concert {
            concert_id: id.clone(),
            version: 1,
            closed: false,
            policy: policy.clone(),
        };
        if self.0.insert(&concert).await? {
            return Ok(concert);
        }
        let old = self.0.find(id).await?.filter(|row| row.deleted);
        let was = old.ok_or(RegistryError::Exists)?.concert.version;
        let concert = Concert {
            version: was + 1,
            ..concert
        };
        match self.replace(concert, false, was).await {
            Err(RegistryError::Changed) => Err(RegistryError::Exists),
            replaced => replaced,
        }
    }

    pub(crate) async fn find(&self, id: &ConcertId) -> Result<Concert> {
        let row = self.0.find(id).await?.filter(|row| !row.deleted);
        row.map(|row| row.concert).ok_or(RegistryError::Unknown)
    }

    /// Returns every row, including deleted concerts.
    pub(crate) async fn all(&self) -> Result<Vec<Registered>> {
        self.0.all().await
    }

    /// Returns up to `limit` concerts after an id, in the order of ids.
    pub(crate) async fn page(&self, after: &str, limit: u32) -> Result<Vec<Concert>> {
        let rows = self.0.page(after, limit).await?;
        Ok(rows.into_iter().map(|row| row.concert).collect())
    }

    /// Replaces exactly the version that this concert was made from, and raises its version by one.
    pub(crate) async fn change(&self, mut concert: Concert, deleted: bool) -> Result<Concert> {
        let was = concert.version;
        concert.version += 1;
        self.replace(concert, deleted, was).await
    }

    /// Lifts a concert above a version that the store knows and this registry does not, because the
    /// concert is new or comes from a backup.
    pub(crate) async fn lift(&self, mut concert: Concert, above: u64) -> Result<Concert> {
        let was = concert.version;
        concert.version = above + 1;
        self.replace(concert, false, was).await
    }

    async fn replace(&self, concert: Concert, deleted: bool, was: u64) -> Result<Concert> {
        let row = Registered { concert, deleted };
        let replaced = self.0.replace(&row, was).await?;
        replaced
            .then_some(row.concert)
            .ok_or(RegistryError::Changed)
    }

    /// Returns the registry's database.
    pub(crate) fn database(&self) -> &Database {
        self.0.database()
    }
}
