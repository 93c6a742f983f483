//! Passing with a booking token.

use serde_json::{Value, json};
use sunbeon_tokens::{Claims, SigningKeys};

use crate::world::{LIMIT, NUMBER, World, claims, code, entry, eventually, now, number, turns};

const REQUIRED: &str = "QUEUE_TOKEN_REQUIRED";

#[tokio::test]
async fn a_valid_token_passes_and_the_origin_learns_the_member() {
    let world = World::closed().await;
    let claims = claims("demo", "42");
    let answer = world
        .visit("42", "/concerts/demo/seats", &world.signed(&claims))
        .await;
    let shown: Value = answer.json().await.unwrap();
    let until = sunbeon_domain::UnixMs(claims.exp * 1_000);
    assert_eq!(
        shown,
        json!({
            "concert": "demo", "member": "42", "number": NUMBER, "until": until,
            "path": "/concerts/demo/seats",
        })
    );
}

#[tokio::test]
async fn without_a_token_or_a_login_nobody_passes() {
    let world = World::closed().await;
    assert_eq!(world.without_token("/concerts/demo").await, REQUIRED);
    assert_eq!(world.without_token("/seats").await, REQUIRED);
    let token = world.token("demo", "42");
    let nobody = world.request("GET", "/concerts/demo");
    let nobody = nobody.header("x-queue-token", token).send().await.unwrap();
    assert_eq!(code(nobody).await, REQUIRED);
}

#[tokio::test]
async fn a_token_is_valid_for_one_concert_one_member_and_one_issuer() {
    let world = World::closed().await;
    let stranger = SigningKeys::generate().unwrap();
    let forged = stranger.sign(stranger.active_kid(), &claims("demo", "42"));
    for bad in [
        world.token("other", "42"),
        world.token("demo", "43"),
        world.signed(&Claims {
            iss: "else".to_owned(),
            ..claims("demo", "42")
        }),
        world.signed(&Claims {
            aud: "else".to_owned(),
            ..claims("demo", "42")
        }),
        forged.unwrap(),
        "garbage".to_owned(),
        String::new(),
    ] {
        let answer = world.visit("42", "/concerts/demo", &bad).await;
        assert_eq!(code(answer).await, REQUIRED, "{bad}");
    }
    // The same once the token has passed and is in the cache.
    let token = world.token("demo", "42");
    for (member, path, expected) in [
        ("42", "/concerts/demo", "200"),
        ("43", "/concerts/demo", REQUIRED),
        ("42", "/concerts/other", REQUIRED),
        ("43", "/seats", REQUIRED),
        ("42", "/concerts/demo", "200"),
    ] {
        let answer = world.visit(member, path, &token).await;
        assert_eq!(code(answer).await, expected, "{member} {path}");
    }
}

#[tokio::test]
async fn a_token_ends_on_time_even_if_it_passed_before() {
    let world = World::closed().await;
    let expired = world.signed(&Claims {
        exp: now(),
        ..claims("demo", "42")
    });
    let answer = world.visit("42", "/concerts/demo", &expired).await;
    assert_eq!(code(answer).await, REQUIRED);

    let exp = now() + 5;
    let token = world.signed(&Claims {
        exp,
        ..claims("demo", "42")
    });
    let first = world.visit("42", "/concerts/demo", &token).await;
    assert_eq!(code(first).await, "200");
    eventually(LIMIT, "the token ends", async || {
        let before = now();
        let answer = code(world.visit("42", "/concerts/demo", &token).await).await;
        assert!(answer != "200" || before <= exp, "it passed too late");
        answer == REQUIRED
    })
    .await;
    assert!(now() >= exp);
}

#[tokio::test]
async fn a_revoked_token_stops_passing_within_five_seconds_and_others_pass() {
    let world = World::closed().await;
    let (ended, lives) = (world.token("demo", "42"), world.token("demo", "43"));
    assert_eq!(code(world.visit("43", "/seats", &lives).await).await, "200");
    world.sunbeon.revoke("demo", entry("42"));
    turns("the token stops", "200", REQUIRED, async || {
        code(world.visit("42", "/concerts/demo", &ended).await).await
    })
    .await;
    assert_eq!(
        code(world.visit("42", "/seats", &ended).await).await,
        REQUIRED
    );
    assert_eq!(code(world.visit("43", "/seats", &lives).await).await, "200");
}

#[tokio::test]
async fn without_a_concert_in_the_path_the_token_names_it() {
    let world = World::closed().await;
    let answer = world
        .visit("42", "/bookings", &world.token("demo", "42"))
        .await;
    assert_eq!(answer.json::<Value>().await.unwrap()["concert"], "demo");

    let ended = world.signed(&Claims {
        exp: now(),
        ..claims("demo", "42")
    });
    let answer = world.visit("42", "/bookings", &ended).await;
    let failure: Value = answer.json().await.unwrap();
    let page = "https://queue.example/waiting-room/demo";
    assert_eq!(
        failure["data"]["waitingPage"], page,
        "an ended token tells the line"
    );
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_or_the_concerts_cookie() {
    let world = World::closed().await;
    let token = world.token("demo", "42");
    let cookie = format!("a=b; queue-token-demo={token}");
    for (path, expected) in [("/concerts/demo", "200"), ("/bookings", REQUIRED)] {
        let request = world.get("42", path).header("cookie", &cookie);
        assert_eq!(
            code(request.send().await.unwrap()).await,
            expected,
            "{path}"
        );
    }
    let request = world.get("42", "/concerts/demo");
    let two = request
        .header("x-queue-token", &token)
        .header("x-queue-token", world.token("demo", "43"));
    assert_eq!(code(two.send().await.unwrap()).await, REQUIRED);
}

/// Returns the `Set-Cookie` of an answer.
fn set_cookie(answer: &reqwest::Response) -> Option<&str> {
    answer.headers().get("set-cookie")?.to_str().ok()
}

#[tokio::test]
async fn any_valid_cookie_among_several_counts_and_none_is_cleared() {
    let world = World::closed().await;
    let good = world.token("demo", "42");
    let expired = world.signed(&Claims {
        exp: now(),
        ..claims("demo", "42")
    });
    let others = world.token("demo", "43");
    let (stale, good) = (
        [expired.as_str(), &others, "garbage"].map(|token| format!("queue-token-demo={token}")),
        format!("queue-token-demo={good}"),
    );
    for stale in stale {
        for cookies in [format!("{stale}; {good}"), format!("{good}; {stale}")] {
            let request = world.get("42", "/concerts/demo").header("cookie", &cookies);
            let answer = request.send().await.unwrap();
            assert_eq!(set_cookie(&answer), None);
            assert_eq!(number(answer).await, Some(NUMBER), "{cookies}");
        }
    }
}

#[tokio::test]
async fn cookies_that_no_longer_let_anybody_in_are_cleared() {
    let world = World::closed().await;
    let ended = |member: &str| {
        world.signed(&Claims {
            exp: now(),
            ..claims("demo", member)
        })
    };
    let stranger = SigningKeys::generate().unwrap();
    let unknown = stranger.sign(stranger.active_kid(), &claims("demo", "42"));
    let cookies = async |path: &str, tokens: &[&str]| {
        let cookies: Vec<_> = tokens
            .iter()
            .map(|token| format!("queue-token-demo={token}"))
            .collect();
        let request = world.get("42", path).header("cookie", cookies.join("; "));
        let answer = request.send().await.unwrap();
        let cleared = set_cookie(&answer).map(str::to_owned);
        assert_eq!(code(answer).await, REQUIRED);
        cleared
    };
    let demo = "/concerts/demo";
    let cleared = Some("queue-token-demo=; Path=/; Max-Age=0; SameSite=Lax".to_owned());
    assert_eq!(cookies(demo, &[&ended("42")]).await, cleared);
    assert_eq!(cookies(demo, &[&ended("42"), "garbage"]).await, cleared);
    assert_eq!(cookies(demo, &[&world.token("other", "42")]).await, cleared);
    // Each of these may let somebody in later, or does not belong to the concert.
    let unknown = unknown.unwrap();
    let others = world.token("demo", "43");
    assert_eq!(cookies(demo, &[&unknown]).await, None);
    assert_eq!(cookies(demo, &[&others]).await, None);
    assert_eq!(cookies(demo, &[&ended("42"), &others]).await, None);
    assert_eq!(cookies(demo, &[]).await, None);
    assert_eq!(cookies("/bookings", &[&ended("42")]).await, None);
    let header = world.visit("42", demo, &ended("42")).await;
    assert_eq!(set_cookie(&header), None);

    world.sunbeon.revoke("demo", entry("42"));
    let token = world.token("demo", "42");
    eventually(LIMIT, "the revoked one is cleared", async || {
        let cookie = format!("queue-token-demo={token}");
        let request = world.get("42", demo).header("cookie", cookie);
        set_cookie(&request.send().await.unwrap()).map(str::to_owned) == cleared
    })
    .await;
}

#[tokio::test]
async fn tokens_of_old_and_new_keys_pass_until_a_key_is_retired() {
    let world = World::closed().await;
    let new = SigningKeys::generate().unwrap();
    let by_old = world.token("demo", "42");
    let by_new = new.sign(new.active_kid(), &claims("demo", "42")).unwrap();
    let passes =
        async |token: &str| code(world.visit("42", "/concerts/demo", token).await).await == "200";

    world.sunbeon.publish(&[&new, &world.keys]);
    eventually(LIMIT, "the gate knows the new key", async || {
        passes(&by_new).await
    })
    .await;
    assert!(passes(&by_old).await);

    world.sunbeon.publish(&[&new]);
    // The gate fetches the keys again when it meets an unknown one.
    let stranger = SigningKeys::generate().unwrap();
    let unknown = stranger
        .sign(stranger.active_kid(), &claims("demo", "42"))
        .unwrap();
    eventually(LIMIT, "the old key's token stops", async || {
        assert!(!passes(&unknown).await);
        !passes(&by_old).await
    })
    .await;
    assert!(passes(&by_new).await);
}

#[tokio::test]
async fn unknown_keys_cause_one_fetch_in_ten_seconds_at_most() {
    let world = World::closed().await;
    let before = world.sunbeon.facts().jwks_fetches;
    let began = std::time::Instant::now();
    let stranger = SigningKeys::generate().unwrap();
    for member in 0..200 {
        let member = member.to_string();
        let forged = stranger.sign(stranger.active_kid(), &claims("demo", &member));
        let answer = world
            .visit(&member, "/concerts/demo", &forged.unwrap())
            .await;
        assert_eq!(code(answer).await, REQUIRED);
    }
    let fetches = world.sunbeon.facts().jwks_fetches - before;
    let allowed = 1 + began.elapsed().as_secs() / 10;
    assert!(fetches as u64 <= allowed, "{fetches} fetches");
}
