//! Headers that a back end takes for `X-Member-Id`.

use serde_json::json;
use sunbeon_system_tests::Kind;

use crate::world::{Shop, bearer, raw};

/// Bytes that may appear in a header line and are not a letter, digit or colon.
fn separators() -> impl Iterator<Item = u8> {
    let all = (1..=u8::MAX).filter(|byte| !byte.is_ascii_alphanumeric());
    all.filter(|byte| !matches!(byte, b'\r' | b'\n' | b':'))
}

/// Returns the name with these separators, in every case that a caller may use.
fn spellings(first: u8, second: u8) -> [Vec<u8>; 3] {
    let name = [b"X", &[first][..], b"Member", &[second], b"Id"].concat();
    [name.to_ascii_lowercase(), name.to_ascii_uppercase(), name]
}

/// CGI's rule, in its strictest and loosest readings: any byte that is not a letter or digit
/// becomes an underscore, and the case of letters does not matter.
pub(crate) async fn no_spelling_of_the_members_name_reaches_the_origin(kind: Kind) {
    let shop = Shop::open(kind).await;
    php_itself_folds_the_headers_as_expected(&shop).await;
    let (fan, rock) = (bearer("fan"), shop.admit("rock", "fan").await);
    let admitted: [(&[u8], &str); 2] = [(b"Authorization", &fan), (b"X-Queue-Token", &rock)];
    let pages: [(&[u8], _); 2] = [(b"/about", None), (b"/concerts/rock", Some("fan"))];

    // Each separator alone, in both places; sent twice, for proxies that remove only one.
    let mut accepted = Vec::new();
    for byte in separators() {
        let [lower, upper, name] = spellings(byte, byte);
        let mixed = [b"x_member", &[byte][..], b"id"].concat();
        let claims = [name, upper, lower.clone(), lower, mixed];
        for (page, member) in pages {
            let mut headers = admitted.to_vec();
            headers.extend(claims.iter().map(|name| (&name[..], "boss")));
            let seen = shop.ask_raw(page, &headers).await;
            if seen.status == 200 {
                seen.is_for(member);
                accepted.push(byte);
            } else {
                let status = seen.status;
                assert!((400..500).contains(&status), "{byte:#x}: {status}");
            }
        }
    }
    for byte in [b'-', b'_', b'.'] {
        assert!(accepted.contains(&byte), "{kind:?} refuses {byte:#x}");
    }

    // Every pair of the bytes that may appear in a name (RFC 9110, section 5.6.2).
    for first in *b"!#$%&'*+-.^_`|~" {
        let names = b"!#$%&'*+-.^_`|~".map(|second| spellings(first, second));
        for (page, member) in pages {
            let mut headers = admitted.to_vec();
            headers.extend(names.iter().flatten().map(|name| (&name[..], "boss")));
            shop.ask_raw(page, &headers).await.is_for(member);
        }
    }

    // Declaring Sunbeon's own header as hop-by-hop does not make the caller anybody else.
    for claim in ["X-Member-Id", "X-Member-Id, X.Member.Id"] {
        let hop: [(&[u8], _); 2] = [(b"Connection", claim), (b"X.Member.Id", "boss")];
        let headers = [&admitted[..], &hop].concat();
        let seen = shop.ask_raw(b"/concerts/rock", &headers).await;
        let member = &seen.body["member"];
        assert!(member == "fan" || member.is_null(), "{}", seen.body);
    }
}

/// Shows that the test is worth something: asked directly, PHP does take these names for the
/// member's.
async fn php_itself_folds_the_headers_as_expected(shop: &Shop) {
    for byte in [b'-', b'_', b'.'] {
        for name in spellings(byte, byte) {
            let claim: [(&[u8], _); 1] = [(&name, "boss")];
            let seen = raw(shop.origin.port(), b"GET /about", &claim).await;
            assert_eq!(seen.body["member"], json!("boss"), "{byte:#x}");
        }
    }
}
