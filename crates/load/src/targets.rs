//! The addresses to send requests to, and those refused.

use std::net::IpAddr;

use reqwest::Url;

use crate::{Usage, settings::Settings};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// The instances of each service; behind a front door all of them have the same address.
#[derive(Debug, Clone)]
pub struct Targets {
    /// `/v2/waiting-room/…`
    pub waiting_room: Vec<Url>,
    /// `/v2/reservation/{token,complete}/…`
    pub token: Vec<Url>,
    /// `/v2/admin/…`
    pub reservation_open: Vec<Url>,
    /// `/v2/waiting-room/admin/…`
    pub line: Vec<Url>,
}

impl Targets {
    /// Uses one address for every route.
    pub fn one(url: &str) -> Result<Self, Usage> {
        Self::doors(url, url)
    }

    /// Uses a front door with one address for the crowd and another for operators.
    fn doors(public: &str, operators: &str) -> Result<Self, Usage> {
        let (public, operators) = (vec![parse(public)?], vec![parse(operators)?]);
        Ok(Self {
            waiting_room: public.clone(),
            token: public,
            reservation_open: operators.clone(),
            line: operators,
        })
    }

    /// Chooses the given address, else the front door in the settings, else the instances in the
    /// settings, else the default. `direct` chooses the instances.
    pub fn resolve(url: Option<&str>, settings: &Settings, direct: bool) -> Result<Self, Usage> {
        if let Some(url) = url {
            return Self::one(url);
        }
        match (settings.get("SUNBEON_URL"), Self::instances(settings)?) {
            (_, Some(instances)) if direct => Ok(instances),
            _ if direct => Err(Usage(
                "--direct needs WAITING_ROOM_1_URL, RESERVATION_OPEN_1_URL and TOKEN_1_URL".into(),
            )),
            (Some(public), _) => {
                let operators = settings.get("SUNBEON_OPERATORS_URL");
                Self::doors(public, operators.unwrap_or(public))
            }
            (None, Some(instances)) => Ok(instances),
            (None, None) => Self::one(DEFAULT_URL),
        }
    }

    fn instances(settings: &Settings) -> Result<Option<Self>, Usage> {
        let urls = |name| -> Result<Vec<Url>, Usage> {
            settings.instances(name).into_iter().map(parse).collect()
        };
        let targets = Self {
            waiting_room: urls("WAITING_ROOM")?,
            token: urls("TOKEN")?,
            reservation_open: urls("RESERVATION_OPEN")?,
            line: urls("WAITING_ROOM")?,
        };
        let complete = targets.lists().into_iter().all(|urls| !urls.is_empty());
        Ok(complete.then_some(targets))
    }

    fn lists(&self) -> [&Vec<Url>; 4] {
        [
            &self.waiting_room,
            &self.token,
            &self.reservation_open,
            &self.line,
        ]
    }

    /// Refuses every address outside this machine's loopback.
    pub fn check_loopback(&self) -> Result<(), Usage> {
        match self
            .lists()
            .into_iter()
            .flatten()
            .find(|url| !is_loopback(url))
        {
            None => Ok(()),
            Some(url) => Err(Usage(format!(
                "{url} is not a loopback address; to load a machine of your own, add --allow-remote"
            ))),
        }
    }
}

fn parse(text: &str) -> Result<Url, Usage> {
    let url = Url::parse(text).map_err(|error| Usage(format!("{text:?}: {error}")))?;
    if ["http", "https"].contains(&url.scheme()) && url.has_host() {
        Ok(url)
    } else {
        Err(Usage(format!(
            "{text:?}: not an http:// or https:// address"
        )))
    }
}

/// Decides by the address; the only accepted name is `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_passes() {
        for good in [
            "http://127.0.0.1:1",
            "http://localhost:8080/",
            "http://[::1]:9",
            "http://127.9.9.9",
        ] {
            assert!(
                Targets::one(good).unwrap().check_loopback().is_ok(),
                "{good}"
            );
        }
        for bad in [
            "http://10.0.0.1:80",
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1@example.com",
            "http://0.0.0.0:80",
        ] {
            assert!(
                Targets::one(bad).unwrap().check_loopback().is_err(),
                "{bad}"
            );
        }
        assert!(Targets::one("https://127.0.0.1").is_ok());
        assert!(Targets::one("ftp://127.0.0.1").is_err());
        assert!(Targets::one("127.0.0.1:8080").is_err());
    }

    #[test]
    fn the_flag_wins_then_the_front_door_then_the_instances() {
        let text = "WAITING_ROOM_1_URL=http://127.0.0.1:1\nWAITING_ROOM_2_URL=http://127.0.0.1:2\n\
                    TOKEN_1_URL=http://127.0.0.1:3\nRESERVATION_OPEN_1_URL=http://127.0.0.1:4\n";
        let settings = Settings::parse(text).unwrap_or_default();
        let port = |targets: &Targets| targets.waiting_room[0].port();
        let got = Targets::resolve(Some("http://127.0.0.1:9"), &settings, false).unwrap();
        assert_eq!(port(&got), Some(9));
        let got = Targets::resolve(None, &settings, false).unwrap();
        assert_eq!((got.waiting_room.len(), port(&got)), (2, Some(1)));
        let both = format!("{text}SUNBEON_URL=http://127.0.0.1:8\n");
        let settings = Settings::parse(&both).unwrap_or_default();
        assert_eq!(
            port(&Targets::resolve(None, &settings, false).unwrap()),
            Some(8)
        );
        assert_eq!(
            port(&Targets::resolve(None, &settings, true).unwrap()),
            Some(1)
        );
        let doors = format!("{both}SUNBEON_OPERATORS_URL=http://127.0.0.1:7\n");
        let settings = Settings::parse(&doors).unwrap_or_default();
        let got = Targets::resolve(None, &settings, false).unwrap();
        let operators = [&got.reservation_open, &got.line].map(|urls| urls[0].port());
        assert_eq!((port(&got), operators), (Some(8), [Some(7); 2]));
        let none = Settings::default();
        assert_eq!(
            port(&Targets::resolve(None, &none, false).unwrap()),
            Some(8080)
        );
        assert!(Targets::resolve(None, &none, true).is_err());
    }
}
