//! Reading the claims of an access token whose signature is right.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::LEEWAY_SECONDS;
use crate::settings;

/// What a token must say, and which of its claims are read besides.
pub(super) struct Expected {
    /// The claims that are read, each once.
    names: Vec<String>,
    issuer: Option<String>,
    audience: Option<String>,
}

/// The claims of a token that is valid. Those that are not read are left out.
pub(super) struct Claims<'a> {
    names: &'a [String],
    values: Vec<Option<Value>>,
}

impl Claims<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let place = self.names.iter().position(|known| known == name)?;
        self.values.get(place)?.as_ref()
    }
}

impl Expected {
    pub(super) fn new(settings: &settings::Auth) -> Self {
        let own = [
            &settings.member_claim,
            &settings.name_claim,
            &settings.role_claim,
        ];
        let registered = ["exp", "nbf", "iss", "aud", "sub"];
        let mut names = registered.map(str::to_owned).to_vec();
        for name in own {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Self {
            names,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
        }
    }

    /// Reads the claims of a token that is valid at a time in seconds since the epoch; `None` if it is
    /// not, or if a claim that is read is there twice (RFC 7519 §4).
    pub(super) fn read(&self, json: &[u8], now: u64) -> Option<Claims<'_>> {
        let mut json = serde_json::Deserializer::from_str(str::from_utf8(json).ok()?);
        let values = self.deserialize(&mut json).ok()?;
        json.end().ok()?;
        let claims = Claims {
            names: &self.names,
            values,
        };
        self.are_met(&claims, now).then_some(claims)
    }

    fn are_met(&self, claims: &Claims<'_>, now: u64) -> bool {
        let expires = claims.get("exp").and_then(seconds);
        let begins = claims.get("nbf").map_or(Some(0), seconds);
        let says = |name, expected: &Option<String>| {
            let expected = expected.as_ref();
            expected.is_none_or(|it| claims.get(name).is_some_and(|claim| names(claim, it)))
        };
        // RFC 7519 §4.1.2.
        let is_one = |sub: &Value| !sub.is_array() && !sub.is_object();
        claims.get("sub").is_none_or(is_one)
            && expires.is_some_and(|exp| exp >= now.saturating_sub(LEEWAY_SECONDS))
            && begins.is_some_and(|nbf| nbf <= now.saturating_add(LEEWAY_SECONDS))
            && says("iss", &self.issuer)
            && says("aud", &self.audience)
    }
}

/// Reads a time, which may have a fraction (RFC 7519 §2, NumericDate).
fn seconds(claim: &Value) -> Option<u64> {
    let fraction = || {
        claim
            .as_f64()
            .filter(|it| (0.0..u64::MAX as f64).contains(it))
    };
    claim.as_u64().or_else(|| Some(fraction()?.round() as u64))
}

/// Returns whether a claim is a text, or a list of texts with it.
fn names(claim: &Value, text: &str) -> bool {
    match claim {
        Value::String(name) => name == text,
        Value::Array(list) => list.iter().all(Value::is_string) && list.iter().any(|it| it == text),
        _ => false,
    }
}

impl<'de> DeserializeSeed<'de> for &Expected {
    type Value = Vec<Option<Value>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &Expected {
    type Value = Vec<Option<Value>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.names.len()];
        while let Some(place) = map.next_key_seed(Name(&self.names))? {
            match place {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(place) => {
                    if values[place].replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom("a claim is there twice"));
                    }
                }
            }
        }
        Ok(values)
    }
}

/// The name of a claim, as its place among those that are read.
struct Name<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a claim")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known == name))
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    use jsonwebtoken::{
        Algorithm, DecodingKey, EncodingKey, Validation, crypto, get_current_timestamp,
    };
    use proptest::{prelude::*, sample::select};
    use serde_json::{Map, json};

    use super::*;

    const ISSUER: &str = "https://login.example";
    const AUDIENCE: &str = "sunbeon";

    /// Returns what is expected, of tokens of one issuer for one audience if it is `bound` so.
    fn expected(bound: bool) -> Expected {
        let of = |name: &str| bound.then(|| name.to_owned());
        Expected {
            names: ["exp", "nbf", "iss", "aud", "sub", "name"]
                .map(str::to_owned)
                .to_vec(),
            issuer: of(ISSUER),
            audience: of(AUDIENCE),
        }
    }

    /// Returns whether jsonwebtoken accepts claims, given as JSON.
    fn library_accepts(claims: &str, bound: bool) -> bool {
        let secret = [7; 32];
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.validate_aud = bound;
        if bound {
            validation.set_issuer(&[ISSUER]);
            validation.set_audience(&[AUDIENCE]);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        }
        let parts = [r#"{"alg":"HS256"}"#, claims].map(|part| BASE64.encode(part));
        let signed = parts.join(".");
        let signs = EncodingKey::from_secret(&secret);
        let signature = crypto::sign(signed.as_bytes(), &signs, Algorithm::HS256).unwrap();
        let (token, key) = (
            format!("{signed}.{signature}"),
            DecodingKey::from_secret(&secret),
        );
        jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).is_ok()
    }

    fn time() -> impl Strategy<Value = Value> {
        let now = get_current_timestamp();
        let odd = [
            json!(null),
            json!("9999999999"),
            json!(-1),
            json!(0),
            json!(1e300),
            json!(u64::MAX),
            json!([now]),
        ];
        // No moment at which the verdict changes while the test runs.
        let near = [-3600, -30, -3, 3, 30, 3600].map(|seconds| now.saturating_add_signed(seconds));
        prop_oneof![
            select(near.to_vec()).prop_map(|at| json!(at)),
            select(near.to_vec()).prop_map(|at| json!(at as f64 + 0.25)),
            select(odd.to_vec()),
        ]
    }

    fn name() -> impl Strategy<Value = Value> {
        let names = [
            json!(ISSUER),
            json!(AUDIENCE),
            json!("other"),
            json!([ISSUER, AUDIENCE]),
            json!([AUDIENCE, AUDIENCE]),
            json!(["other"]),
            json!([]),
            json!([AUDIENCE, 1]),
            json!({}),
            json!(null),
            json!(1),
        ];
        select(names.to_vec())
    }

    proptest! {
        #[test]
        fn claims_are_valid_to_us_when_they_are_to_the_library(
            claims in prop::collection::vec(
                prop_oneof![
                    time().prop_map(|at| ("exp", at)),
                    time().prop_map(|at| ("nbf", at)),
                    name().prop_map(|name| ("iss", name)),
                    name().prop_map(|name| ("aud", name)),
                    name().prop_map(|name| ("sub", name)),
                    name().prop_map(|name| ("other", name)),
                ],
                0..6,
            ),
            good in any::<bool>(),
            bound in any::<bool>(),
        ) {
            let exp = json!(get_current_timestamp() + 3600);
            let good = [("exp", exp), ("iss", json!(ISSUER)), ("aud", json!(AUDIENCE))]
                .into_iter()
                .filter(|(name, _)| good && claims.iter().all(|(other, _)| other != name));
            let pairs: Vec<_> = good.chain(claims.iter().cloned())
                .map(|(name, value)| format!("{}:{value}", json!(name)))
                .collect();
            let json = format!("{{{}}}", pairs.join(","));
            let ours = expected(bound);
            let ours = ours.read(json.as_bytes(), get_current_timestamp());
            prop_assert_eq!(ours.is_some(), library_accepts(&json, bound), "{}", json);
        }
    }

    #[test]
    fn only_an_object_has_claims() {
        let expected = expected(false);
        let exp = get_current_timestamp() + 60;
        let is_read = |json: &str| expected.read(json.as_bytes(), exp - 60).is_some();
        assert!(is_read(&format!("{{\"exp\":{exp}}}")));
        for json in [
            "",
            "1",
            "null",
            &format!("[{exp}]"),
            &format!("{{\"exp\":{exp}"),
            &format!("{{\"exp\":{exp}}} x"),
            &format!("{{\"exp\":{exp},\"exp\":{exp}}}"),
        ] {
            assert!(!is_read(json), "{json}");
        }
        let cut = [b"{\"exp\":1,\"a\":\"".as_slice(), b"\xff", b"\"}"].concat();
        assert!(expected.read(&cut, 0).is_none());
    }

    #[test]
    fn a_claim_may_be_read_under_two_names() {
        let expected = expected(false);
        let claims = expected.read(br#"{"exp":9,"sub":"42","x":1}"#, 0).unwrap();
        assert_eq!(claims.get("sub"), Some(&json!("42")));
        assert_eq!(claims.get("name"), None);
        assert_eq!(claims.get("x"), None);
    }
}
