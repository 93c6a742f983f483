use std::time::Duration;

use serde_json::Value;
use sunbeon_domain::Code;

/// The result of a request.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was no connection, or it broke before the whole answer had arrived.
    #[error("Sunbeon cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// No complete answer arrived within the limit. The request may have taken effect.
    #[error("Sunbeon did not answer in time")]
    TimedOut(#[source] reqwest::Error),
    /// The answer was not a success.
    #[error("Sunbeon refused: {0}")]
    Refused(Refusal),
    /// The answer does not follow the API.
    #[error("Sunbeon's answer cannot be understood: {0}")]
    Nonsense(String),
}

/// An answer other than a success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The code; empty if something other than Sunbeon answered.
    pub code: String,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// Details beyond the code.
    pub data: Option<Value>,
}

impl Error {
    pub(crate) fn nonsense(why: &str) -> Self {
        Self::Nonsense(why.to_owned())
    }

    /// Returns whether Sunbeon refused with this code.
    pub fn is(&self, code: Code) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code.word())
    }

    /// Returns the HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Unreachable(_) | Self::TimedOut(_) | Self::Nonsense(_) => None,
        }
    }

    /// Returns whether Sunbeon is down or faulty, rather than up and refusing.
    pub fn is_down(&self) -> bool {
        self.status().is_none_or(|status| status >= 500)
    }

    /// Classifies an error of the transport. The result never names the address, which may be
    /// private.
    pub(crate) fn of_transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() {
            Self::TimedOut(error)
        } else {
            Self::Unreachable(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_does_not_count_as_an_outage() {
        let refused = |status| {
            Error::Refused(Refusal {
                status,
                code: String::new(),
                retry_after: None,
                data: None,
            })
        };
        for status in [204, 302, 400, 401, 403, 429] {
            assert!(!refused(status).is_down(), "{status}");
        }
        for status in [500, 502, 503, 504] {
            assert!(refused(status).is_down(), "{status}");
        }
        assert!(Error::Nonsense("it is too large".to_owned()).is_down());
    }
}
