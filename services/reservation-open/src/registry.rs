//! The registry: concerts and their policies, in SQLite or PostgreSQL.

pub(crate) mod acts;
pub(crate) mod concerts;
mod in_force;
pub(crate) mod project;
pub(crate) mod reading;
mod rows;
mod tables;

use sunbeon_database::{Database, DatabaseError, Statement};
use sunbeon_domain::{Code, Coded, Concert, ConcertId, Policy};

pub(crate) use self::rows::Row;
use self::tables::Tables;

/// The registry. A cheap handle.
#[derive(Clone)]
pub struct Registry(Tables);

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The database's own failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is a concert of this id.
    #[error("there is a concert of this id already")]
    Exists,
    /// There is no concert of this id.
    #[error("there is no such concert")]
    Unknown,
    /// The concert has changed since that version.
    #[error("the concert has another version")]
    Changed,
    /// The concert is closed, for good.
    #[error("the concert is closed")]
    Closed,
}

impl Coded for RegistryError {
    fn code(&self) -> Code {
        match self {
            Self::Database(error) => error.code(),
            Self::Exists => Code::ConcertExists,
            Self::Unknown => Code::ConcertNotFound,
            Self::Changed => Code::VersionMismatch,
            Self::Closed => Code::BookingClosed,
        }
    }
}

type Result<T> = std::result::Result<T, RegistryError>;

impl Registry {
    /// Opens a registry. A database that is down is no error.
    pub fn open(url: &str) -> Result<Self> {
        Tables::open(url).map(Self)
    }

    /// Returns every statement on the registry's database, for a test that compiles each on both databases.
    pub fn statements() -> impl Iterator<Item = &'static Statement> {
        let all = [tables::STATEMENTS, crate::audit::STATEMENTS];
        all.into_iter().flatten().copied()
    }

    /// Brings the tables up to date; nothing to do is cheap.
    pub async fn migrate(&self) -> Result<()> {
        self.0.migrate().await
    }

    /// Whether the database answers.
    pub async fn is_up(self) -> bool {
        self.0.ping().await.is_ok()
    }

    /// Adds a concert; the version goes on where a deleted one of the same id stopped.
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

    /// Every row, deleted ones included.
    pub(crate) async fn all(&self) -> Result<Vec<Row>> {
        self.0.all().await
    }

    /// Up to `limit` concerts behind an id, in the order of ids.
    pub(crate) async fn page(&self, after: &str, limit: u32) -> Result<Vec<Concert>> {
        let rows = self.0.page(after, limit).await?;
        Ok(rows.into_iter().map(|row| row.concert).collect())
    }

    /// Puts a changed concert in the place of exactly the version that it was made from; its
    /// version is one higher then.
    pub(crate) async fn change(&self, mut concert: Concert, deleted: bool) -> Result<Concert> {
        let was = concert.version;
        concert.version += 1;
        self.replace(concert, deleted, was).await
    }

    /// Lifts a concert above a version that the store knows and this registry does not: it is new,
    /// or comes from a backup.
    pub(crate) async fn lift(&self, mut concert: Concert, above: u64) -> Result<Concert> {
        let was = concert.version;
        concert.version = above + 1;
        self.replace(concert, false, was).await
    }

    async fn replace(&self, concert: Concert, deleted: bool, was: u64) -> Result<Concert> {
        let row = Row { concert, deleted };
        let replaced = self.0.replace(&row, was).await?;
        replaced
            .then_some(row.concert)
            .ok_or(RegistryError::Changed)
    }

    /// Returns the database that the registry is in.
    pub(crate) fn database(&self) -> &Database {
        self.0.database()
    }
}
