//! Paths that a back end might read as other paths.

use std::collections::BTreeSet;

use sunbeon_system_tests::Kind;

use crate::world::{Shop, bearer};

/// A slash, as some decoder reads it: encoded once, twice or three times, with its own hexadecimal
/// digits encoded, as overlong UTF-8, as a Windows slash, and in IIS's own escape.
const SLASHES: [&[u8]; 18] = [
    b"/",
    b"%2f",
    b"%2F",
    b"%252f",
    b"%25252F",
    b"%25%32%66",
    b"%252%66",
    b"%c0%af",
    b"%C0%AF",
    b"%e0%80%af",
    b"%f0%80%80%af",
    b"%f8%80%80%80%af",
    b"\xc0\xaf",
    b"\\",
    b"%5c",
    b"%255C",
    b"%u002f",
    b"//",
];
/// A dot, in the same ways.
const DOTS: [&[u8]; 9] = [
    b".",
    b"%2e",
    b"%2E",
    b"%252e",
    b"%25%32%65",
    b"%c0%ae",
    b"%e0%80%ae",
    b"\xc0\xae",
    b"%u002e",
];
/// Bytes that end a path or a part of it for some back end, or are trimmed from its end.
const CUTS: [&[u8]; 15] = [
    b"%00", b"%0a", b"%0d%0a", b"%09", b"%7f", b"%2500", b";", b";x=1", b"%3b", b"%253b", b"%20",
    b".", b".%20.", b"%", b"%2",
];
/// Suffixes that leave a name the same for some back end.
const SUFFIXES: [&[u8]; 3] = [b":x", b"+", b"#"];
/// A letter of `concerts`, as some router reads it.
const LETTERS: [&[u8]; 7] = [
    b"C",
    b"%63",
    b"%43",
    b"%2563",
    b"%25%36%33",
    b"%c1%a3",
    b"%u0063",
];

/// Returns every broken path to a concert without a token, or to one's own.
fn broken() -> BTreeSet<Vec<u8>> {
    let mut paths = BTreeSet::new();
    let mut add = |parts: &[&[u8]]| paths.insert(parts.concat());
    for slash in SLASHES {
        for dot in DOTS {
            let up = [slash, dot, dot, slash].concat();
            let up = &up[..];
            add(&[b"/about", up, b"concerts/jazz/seats"]);
            add(&[b"/about", up, b"concerts", slash, b"jazz/seats"]);
            add(&[b"/concerts/rock", up, b"jazz/seats"]);
            add(&[b"/concerts/rock", slash, dot, b"/seats"]);
        }
    }
    for slash in &SLASHES[1..] {
        add(&[b"/concerts", slash, b"jazz/seats"]);
        add(&[slash, b"concerts/jazz/seats"]);
        add(&[b"/concerts/rock", slash, b"seats"]);
    }
    for cut in CUTS.iter().chain(&SUFFIXES) {
        add(&[b"/concerts", cut, b"/jazz/seats"]);
        add(&[b"/concerts/rock", cut, b"/seats"]);
    }
    for cut in CUTS {
        add(&[b"/about/..", cut, b"/concerts/jazz/seats"]);
        add(&[b"/", cut, b"/../concerts/jazz/seats"]);
    }
    for letter in LETTERS {
        add(&[b"/", letter, b"oncerts/jazz/seats"]);
        add(&[b"/", letter, b"oncerts/", letter, b"razz"]);
    }
    for other in [
        &b"/concerts/"[..],
        b"/CONCERTS/jazz",
        b"/concerts/rock/..",
        b"/concerts/rock/%zz",
        b"/concerts/jazz&concertId=rock",
        b"/concerts/jazz%26concertId=rock",
        b"concerts/jazz/seats",
    ] {
        add(&[other]);
    }
    paths
}

pub(crate) async fn no_other_spelling_of_a_path_leads_past_the_gate(kind: Kind) {
    let shop = Shop::open(kind).await;
    let (fan, rock) = (bearer("fan"), shop.admit("rock", "fan").await);
    let admitted: [(&[u8], &str); 2] = [(b"Authorization", &fan), (b"X-Queue-Token", &rock)];
    for path in broken() {
        let seen = shop.origin.seen().len();
        let answer = shop.ask_raw(&path, &admitted).await;
        let shown = String::from_utf8_lossy(&path);
        let reached = &shop.origin.seen()[seen..];
        // Traefik cleans a path, asks about the clean path and forwards it.
        let clean = kind == Kind::Traefik
            && reached
                .iter()
                .all(|path| ["/concerts", "/concerts/rock/seats"].contains(&&path[..]));
        assert!(reached.is_empty() || clean, "{shown}: {reached:?}");
        let refused = (400..500).contains(&answer.status);
        assert!(refused || clean, "{shown} was answered {}", answer.status);
    }

    // An absolute URL in the request line is read as its path.
    let host = format!("http://127.0.0.1:{}", shop.door.port());
    let seen = shop.origin.seen().len();
    for path in ["/concerts/jazz/seats", "/about/../concerts/jazz/seats"] {
        let answer = shop
            .ask_raw(format!("{host}{path}").as_bytes(), &admitted)
            .await;
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    assert_eq!(
        shop.origin.seen().len(),
        seen,
        "a request reached the origin"
    );
    let own = format!("{host}/concerts/rock/seats");
    let answer = shop.ask_raw(own.as_bytes(), &admitted).await;
    if answer.status == 200 {
        answer.is_for(Some("fan"));
    }
}

pub(crate) async fn plain_paths_and_any_query_pass_unchanged(kind: Kind) {
    let shop = Shop::open(kind).await;
    let (fan, rock) = (bearer("fan"), shop.admit("rock", "fan").await);
    let admitted: [(&[u8], &str); 2] = [(b"Authorization", &fan), (b"X-Queue-Token", &rock)];
    for (path, member) in [
        ("/concerts/rock?back=/../%2f&concertId=jazz", Some("fan")),
        ("/concerts/rock/%EC%84%9C%EC%9A%B8", Some("fan")),
        ("/concerts", None),
        ("/concerts.rss", None),
        ("/concertsx/1", None),
        ("/.well-known/security.txt", None),
        ("/about?q=%252f%00..//", None),
    ] {
        let answer = shop.ask_raw(path.as_bytes(), &admitted).await;
        answer.is_for(member);
        assert_eq!(answer.body["path"], path);
    }
    // A percent sign that is part of a name. Traefik refuses all of them.
    let answer = shop.ask_raw(b"/concerts/rock/50%25-off", &admitted).await;
    let expected = if kind == Kind::Traefik { 400 } else { 200 };
    assert_eq!(answer.status, expected);
}

pub(crate) async fn trace_and_connect_requests_are_not_forwarded(kind: Kind) {
    let shop = Shop::open(kind).await;
    let (fan, rock) = (bearer("fan"), shop.admit("rock", "fan").await);
    let admitted: [(&[u8], &str); 2] = [(b"Authorization", &fan), (b"X-Queue-Token", &rock)];
    let seen = shop.origin.seen().len();
    for line in [
        "TRACE /concerts/rock",
        "TRACE /about",
        "CONNECT /concerts/rock",
        "CONNECT /about",
        "CONNECT 127.0.0.1:80",
    ] {
        let answer = shop.send_raw(line.as_bytes(), &admitted).await;
        assert!(answer.status >= 400, "{line}: {}", answer.status);
    }
    assert_eq!(
        shop.origin.seen().len(),
        seen,
        "a request reached the origin"
    );

    // The gate would not see anything that follows an upgrade.
    let h2c: [(&[u8], _); 2] = [(b"Upgrade", "h2c"), (b"HTTP2-Settings", "AAMAAABkAAQAAP__")];
    let answer = shop.ask_raw(b"/about", &h2c).await;
    let closed = answer.status >= 400 || answer.body["upgrade"] == false;
    assert!(closed, "{} {}", answer.status, answer.body);
}
