//! Ways back, as a browser follows them.

use proptest::prelude::*;
use sunbeon_domain::ConcertId;
use sunbeon_gate::{OnFailure, Settings, SunbeonUrl, Ways};
use url::Url;

const SCHEMES: [&str; 6] = [
    "",
    "http://",
    "https://",
    "HTTPS://",
    "https:/",
    "javascript://",
];
const HOSTS: [&str; 7] = [
    "",
    "shop.example",
    "Tickets.example",
    "evil.example",
    "127.0.0.1",
    "0x7f.1",
    "[::1]",
];
const PORTS: [&str; 6] = ["", ":", ":80", ":443", ":8080", ":8443"];
/// What confuses who reads an address.
const TRAPS: [&str; 16] = [
    "/", "//", "\\", "@", ":", ".", "..", "?", "#", "[", "]", "%2f", "%00", "\t", "\n", " ",
];

fn ways() -> Ways {
    let own_hosts = [
        "shop.example",
        "tickets.example:8443",
        "127.0.0.1:8080",
        "[::1]:8080",
    ];
    Ways::new(&Settings {
        sunbeon_url: SunbeonUrl::parse("http://127.0.0.1:8080").unwrap(),
        issuer: "sunbeon".to_owned(),
        on_failure: Some(OnFailure::Closed),
        waiting_page: "/waiting-room/{concertId}".to_owned(),
        landing_page: "/concerts/{concertId}".to_owned(),
        login_page: "/login?next={target}".to_owned(),
        own_hosts: own_hosts.map(str::to_owned).into(),
    })
    .unwrap()
}

/// Follows an address from a page of the site, as browsers do (WHATWG URL).
fn followed(address: &str) -> Url {
    let page = Url::parse("https://shop.example/waiting-room/demo").unwrap();
    page.join(address).unwrap()
}

/// Something like an address: scheme, host, port and more, with a trap here and there.
fn address() -> impl Strategy<Value = String> {
    let one_of = |all: &'static [&'static str]| prop::sample::select(all).prop_map(str::to_owned);
    let trap = prop_oneof![
        6 => Just(String::new()),
        2 => one_of(&TRAPS),
        1 => "[ -~]{1,4}",
        1 => any::<char>().prop_map(String::from),
    ];
    let traps = prop::collection::vec(trap, 4);
    let tail = prop::collection::vec(prop_oneof![one_of(&TRAPS), one_of(&HOSTS), "[a-z]"], 0..4);
    let parts = (
        one_of(&SCHEMES),
        one_of(&HOSTS),
        one_of(&PORTS),
        traps,
        tail,
    );
    parts.prop_map(|(scheme, host, port, traps, tail)| {
        let [before, user, after, end] = [0, 1, 2, 3].map(|at| traps[at].as_str());
        let tail = tail.concat();
        format!("{before}{scheme}{user}{host}{after}{port}{end}{tail}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn no_way_back_leads_a_browser_to_another_site_and_each_is_kept_through_the_line(text in address()) {
        let ways = ways();
        let Some(target) = ways.asked(&text) else {
            return Ok(());
        };
        prop_assert_eq!(target.as_str(), &text);
        let url = followed(&text);
        prop_assert!(matches!(url.scheme(), "http" | "https"), "{}", url);
        prop_assert!(url.username().is_empty() && url.password().is_none(), "{}", url);
        let own = [
            ("shop.example", Some(80)),
            ("shop.example", Some(443)),
            ("tickets.example", Some(8443)),
            ("127.0.0.1", Some(8080)),
            ("[::1]", Some(8080)),
        ];
        let place = (url.host_str().unwrap_or_default(), url.port_or_known_default());
        prop_assert!(own.contains(&place), "{}", url);
        let concert = ConcertId::parse("demo").unwrap();
        let line = followed(&ways.to_the_line(&concert, Some(&target)));
        let kept: Vec<_> = line.query_pairs().collect();
        prop_assert_eq!(kept, [("target".into(), text.into())]);
    }
}
