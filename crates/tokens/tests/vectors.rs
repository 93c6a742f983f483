//! The test vectors for gates in other languages.

#[path = "../examples/vectors.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod example;

use serde_json::Value;
use sunbeon_domain::ConcertId;
use sunbeon_tokens::{AUDIENCE, Verifier};

const FILE: &str = include_str!("../../../docs/gate/token-vectors.json");

#[test]
fn the_file_is_what_the_example_prints() {
    assert!(
        FILE == example::document(),
        "run: cargo run -p sunbeon-tokens --example vectors > docs/gate/token-vectors.json"
    );
}

#[test]
fn every_vector_has_its_expected_result() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    assert_eq!(file["audience"], AUDIENCE);
    let issuer = file["issuer"].as_str().unwrap();
    let verifier = Verifier::from_jwks(&file["jwks"].to_string(), issuer).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    for vector in vectors {
        let concert = ConcertId::parse(vector["concertId"].as_str().unwrap()).unwrap();
        let token = vector["token"].as_str().unwrap();
        let now = vector["now"].as_i64().unwrap();
        let claims = verifier.verify_at(token, &concert, now);
        let passes = claims.is_ok_and(|claims| claims.sub.as_str() == vector["memberId"]);
        assert_eq!(passes, vector["valid"] == true, "{}", vector["name"]);

        let elsewhere = verifier
            .claims_at(token, now)
            .is_ok_and(|claims| claims.sub.as_str() == vector["memberId"] && claims.cid == concert);
        assert_eq!(elsewhere, passes, "{}", vector["name"]);
    }
    let good = vectors.iter().filter(|vector| vector["valid"] == true);
    assert!(good.count() >= 2 && vectors.len() >= 30);
}
