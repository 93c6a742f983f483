//! The meaning of a database's errors.

use sqlx::sqlite::SqliteError;
use sunbeon_domain::{Code, Coded};

/// The result of a call to this crate.
pub type Result<T> = std::result::Result<T, DatabaseError>;

/// Why a database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database cannot be reached, or did not answer in time.
    #[error("the database did not answer")]
    Down(#[source] sqlx::Error),
    /// Another transaction was in the way; a retry may well succeed.
    #[error("the database chose another transaction over this one")]
    Clash(#[source] sqlx::Error),
    /// The address is malformed or belongs to another kind of database.
    #[error("a database's address must be sqlite:… or postgres://…")]
    Address(#[source] sqlx::Error),
    /// The file is damaged, or belongs to another program.
    #[error("the file is damaged or is not a SQLite database")]
    Damaged(#[source] sqlx::Error),
    /// The database holds or returned something that it never should.
    #[error("the database answered nonsense")]
    Bug(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Coded for DatabaseError {
    fn code(&self) -> Code {
        match self {
            Self::Down(_) | Self::Clash(_) => Code::DatabaseDown,
            Self::Address(_) | Self::Damaged(_) | Self::Bug(_) => Code::Internal,
        }
    }
}

/// Classifies the errors that the database reports about a statement. All are bugs, except a
/// damaged file and the ones that pass: deadlocks and failed serializations, a server that is shutting down or full
/// (PostgreSQL's classes 08, 53, 57 and 58) or read-only (25006, as a standby is), a statement that the
/// server ended for taking too long (55P03, 25P03, and 57014 and 57P05 of those classes), a file that
/// is locked, full or unreadable, and tables that the first migration has yet to create.
impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{ColumnDecode, ColumnNotFound, Database, Decode, Encode, TypeNotFound};
        match &error {
            Database(said) => {
                let code = said.code().unwrap_or_default();
                if ["40P01", "40001"].contains(&code.as_ref()) {
                    return Self::Clash(error);
                }
                let passes = match said.try_downcast_ref::<SqliteError>() {
                    Some(_) if is_one_of(&DAMAGED, &code) => return Self::Damaged(error),
                    Some(_) => is_one_of(&AWAY, &code),
                    None => ["08", "53", "57", "58", "25006", "55P03", "25P03"]
                        .iter()
                        .any(|class| code.starts_with(class)),
                };
                let no_tables = code == "42P01" || said.message().starts_with("no such table");
                if passes || no_tables {
                    Self::Down(error)
                } else {
                    Self::Bug(error.into())
                }
            }
            ColumnDecode { .. }
            | ColumnNotFound(_)
            | Decode(_)
            | Encode(_)
            | TypeNotFound { .. } => Self::Bug(error.into()),
            _ => Self::Down(error),
        }
    }
}

/// SQLITE_BUSY, LOCKED, READONLY, IOERR, FULL and CANTOPEN.
const AWAY: [u32; 6] = [5, 6, 8, 10, 13, 14];
/// SQLITE_CORRUPT and NOTADB.
const DAMAGED: [u32; 2] = [11, 26];

/// Returns whether a code of SQLite is of one of these kinds. The low byte of a code is its kind
/// (<https://www.sqlite.org/rescode.html>).
fn is_one_of(kinds: &[u32], code: &str) -> bool {
    let kind = code.parse::<u32>().map(|code| code & 0xff);
    kind.is_ok_and(|kind| kinds.contains(&kind))
}
