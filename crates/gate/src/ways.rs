//! The addresses between which a browser goes: the shop, the line, the login.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sunbeon_domain::ConcertId;

use crate::{InvalidSettings, Settings, Target, target};

/// Everything except the unreserved characters of RFC 3986 §2.3.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The ways into the line and back, for a page in front of it as well as for a gate. A cheap handle.
#[derive(Debug, Clone)]
pub struct Ways(Arc<Addresses>);

#[derive(Debug)]
struct Addresses {
    waiting_page: String,
    landing_page: String,
    login_page: String,
    own_hosts: Vec<String>,
}

impl Ways {
    /// Takes the ways from the section `gate`.
    ///
    /// # Errors
    /// If a page is no address, or a host no host.
    pub fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        let is_page = |page: &str| {
            let page = page.replace("{concertId}", "x").replace("{target}", "x");
            target::is_address(&page)
        };
        if !is_page(&settings.waiting_page) {
            return Err(InvalidSettings::WaitingPage);
        }
        if !is_page(&settings.landing_page) {
            return Err(InvalidSettings::LandingPage);
        }
        if !settings.login_page.is_empty() && !is_page(&settings.login_page) {
            return Err(InvalidSettings::LoginPage);
        }
        if !settings.own_hosts.iter().all(|host| target::is_host(host)) {
            return Err(InvalidSettings::OwnHosts);
        }
        Ok(Self(Arc::new(Addresses {
            waiting_page: settings.waiting_page.clone(),
            landing_page: settings.landing_page.clone(),
            login_page: settings.login_page.clone(),
            own_hosts: settings.own_hosts.clone(),
        })))
    }

    /// Returns the hosts of the shop.
    pub fn own_hosts(&self) -> &[String] {
        &self.0.own_hosts
    }

    /// Returns the waiting page of a concert.
    pub fn waiting_page(&self, concert: &ConcertId) -> String {
        named(&self.0.waiting_page, concert)
    }

    /// Returns the waiting page of a concert with the way back from it.
    pub fn to_the_line(&self, concert: &ConcertId, back: Option<&Target>) -> String {
        let page = self.waiting_page(concert);
        let Some(target) = back else {
            return page;
        };
        let (page, fragment) = page.split_at(page.find('#').unwrap_or(page.len()));
        let joint = if page.contains('?') { '&' } else { '?' };
        format!("{page}{joint}target={}{fragment}", encoded(target.as_str()))
    }

    /// Returns the waiting page as [`Ways::to_the_line`], which then tells the visitor what `word` stands for.
    pub fn to_the_line_saying(
        &self,
        concert: &ConcertId,
        back: Option<&Target>,
        word: &str,
    ) -> String {
        let page = self.to_the_line(concert, back);
        let (page, fragment) = page.split_at(page.find('#').unwrap_or(page.len()));
        let joint = if page.contains('?') { '&' } else { '?' };
        format!("{page}{joint}said={word}{fragment}")
    }

    /// Returns the way back that a page was asked with; `None` if it leads to a foreign host.
    pub fn asked(&self, target: &str) -> Option<Target> {
        Target::parse(target, &self.0.own_hosts)
    }

    /// Returns where a member goes who came without a way back.
    pub fn landing_page(&self, concert: &ConcertId) -> String {
        named(&self.0.landing_page, concert)
    }

    /// Returns the shop's login, which leads back to the line; `None` if the settings name none.
    pub fn login(&self, concert: &ConcertId, back: Option<&Target>) -> Option<String> {
        self.login_before(&self.to_the_line(concert, back))
    }

    /// Returns the shop's login, which leads to an address of this origin; `None` if the settings name none.
    pub fn login_before(&self, address: &str) -> Option<String> {
        let page = Some(&self.0.login_page).filter(|page| !page.is_empty())?;
        Some(page.replace("{target}", &encoded(address)))
    }
}

fn named(page: &str, concert: &ConcertId) -> String {
    page.replace("{concertId}", concert.as_str())
}

/// Encodes a value of a query.
fn encoded(value: &str) -> String {
    utf8_percent_encode(value, QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OnFailure, SunbeonUrl};

    fn settings() -> Settings {
        Settings {
            sunbeon_url: SunbeonUrl::parse("http://127.0.0.1:8080").unwrap(),
            issuer: "sunbeon".to_owned(),
            on_failure: Some(OnFailure::Closed),
            waiting_page: "/waiting-room/{concertId}".to_owned(),
            landing_page: "https://shop.example/concerts/{concertId}".to_owned(),
            login_page: "/login?next={target}".to_owned(),
            own_hosts: vec!["shop.example".to_owned()],
        }
    }

    #[test]
    fn the_way_back_is_kept_through_the_line_and_the_login() {
        let ways = Ways::new(&settings()).unwrap();
        let concert = ConcertId::parse("c").unwrap();
        let back = ways.asked("/seats?row=2&x").unwrap();
        let line = "/waiting-room/c?target=%2Fseats%3Frow%3D2%26x";
        assert_eq!(ways.to_the_line(&concert, Some(&back)), line);
        let login = "/login?next=%2Fwaiting-room%2Fc%3Ftarget%3D%252Fseats%253Frow%253D2%2526x";
        assert_eq!(ways.login(&concert, Some(&back)).as_deref(), Some(login));
        let to_bookings = ways.login_before("/bookings");
        assert_eq!(to_bookings.as_deref(), Some("/login?next=%2Fbookings"));
        assert_eq!(ways.to_the_line(&concert, None), "/waiting-room/c");
        let saying = |back| ways.to_the_line_saying(&concert, back, "left");
        assert_eq!(saying(Some(&back)), format!("{line}&said=left"));
        assert_eq!(saying(None), "/waiting-room/c?said=left");
        assert_eq!(ways.asked("https://evil.example/"), None);
        let landing = "https://shop.example/concerts/c";
        assert_eq!(ways.landing_page(&concert), landing);
    }

    #[test]
    fn without_a_login_page_there_is_no_link_to_it() {
        let settings = Settings {
            login_page: String::new(),
            ..settings()
        };
        let concert = ConcertId::parse("c").unwrap();
        assert_eq!(Ways::new(&settings).unwrap().login(&concert, None), None);
    }

    #[test]
    fn pages_are_addresses() {
        let with = |landing: &str, login: &str| Settings {
            landing_page: landing.to_owned(),
            login_page: login.to_owned(),
            ..settings()
        };
        let refused = |settings| Ways::new(&settings).unwrap_err();
        assert_eq!(refused(with("shop", "")), InvalidSettings::LandingPage);
        assert_eq!(refused(with("/", "login")), InvalidSettings::LoginPage);
    }
}
