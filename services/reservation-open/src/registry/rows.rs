//! Rows of the registry's tables.

use sunbeon_database::DatabaseError;
use sunbeon_domain::{Concert, ConcertId};

use super::error::RegistryError;

/// A concert, and whether it is deleted.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) concert: Concert,
    pub(crate) deleted: bool,
}

/// concert_id, version, closed, deleted, policy.
pub(super) type ConcertColumns = (String, i64, bool, bool, String);

impl TryFrom<ConcertColumns> for Registered {
    type Error = RegistryError;

    fn try_from(
        (id, version, closed, deleted, policy): ConcertColumns,
    ) -> Result<Self, Self::Error> {
        let bug = |error: Box<dyn std::error::Error + Send + Sync>| DatabaseError::Bug(error);
        let concert = Concert {
            concert_id: ConcertId::parse(id).map_err(|error| bug(error.into()))?,
            version: u64::try_from(version).map_err(|error| bug(error.into()))?,
            closed,
            policy: serde_json::from_str(&policy).map_err(|error| bug(error.into()))?,
        };
        Ok(Self { concert, deleted })
    }
}
