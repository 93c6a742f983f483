use sunbeon_database::DatabaseError;
use sunbeon_domain::{Code, Coded};

/// Why the registry could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A concert with this id exists.
    #[error("a concert with this id already exists")]
    Exists,
    /// No concert has this id.
    #[error("there is no such concert")]
    Unknown,
    /// The concert has changed since that version.
    #[error("the concert has another version")]
    Changed,
    /// The concert is closed permanently.
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

pub(super) type Result<T> = std::result::Result<T, RegistryError>;
