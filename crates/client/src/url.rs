use std::net::SocketAddr;

use reqwest::Url;
use serde::Deserialize;

/// The address of Sunbeon's front door, such as `https://queue.example`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SunbeonUrl(Url);

/// The text is not the address of a front door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Sunbeon's address must begin with http:// or https:// and have no query")]
pub struct InvalidUrl;

impl SunbeonUrl {
    /// Parses an `http://` or `https://` address without a query.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let url = Url::parse(text).map_err(|_| InvalidUrl)?;
        let is_plain = url.query().is_none() && url.fragment().is_none();
        if matches!(url.scheme(), "http" | "https") && is_plain {
            Ok(Self(url))
        } else {
            Err(InvalidUrl)
        }
    }

    /// Returns the address of a Sunbeon listening on a local socket.
    pub fn of(socket: SocketAddr) -> Self {
        let url = Url::parse(&format!("http://{socket}"));
        Self(url.expect("an IP address and a port are an address"))
    }

    /// Returns the address of an API path, which must begin with `/`.
    pub fn at(&self, path: &str) -> Url {
        let base = self.0.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}")).expect("a path behind an address is an address")
    }

    /// Returns whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl TryFrom<String> for SunbeonUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        Self::parse(&text)
    }
}
