//! Booking tokens after a failover that lost the claim.

use std::time::Duration;

use serde_json::json;
use sunbeon_domain::{Concert, EntryNumber};
use sunbeon_store::{
    Admission, AdmitBy, Claim, Leaving, RedisStore, Store, TokenFacts, redis::Settings,
};
use sunbeon_test_support::{RedisServer, eventually};

use crate::world::{START, World, id, member, policy};

const SOON: Duration = Duration::from_secs(20);

fn store_at(server: &RedisServer) -> RedisStore {
    let settings = Settings {
        url: server.url().into(),
        wait_replicas: 0,
        timeout_ms: 2_000,
    };
    RedisStore::open(&settings).unwrap()
}

async fn revoked(store: &RedisStore) -> Vec<EntryNumber> {
    let feed = store.revoked(&id(), None).await.unwrap().revoked;
    feed.iter().map(|it| it.place.number).collect()
}

async fn claimed(store: &RedisStore) -> TokenFacts {
    match store.claim(&id(), &member("a"), "kid").await.unwrap() {
        Claim::Entered(entered) => entered.1,
        other => panic!("{other:?}"),
    }
}

/// A member who was called, known to a primary and its replica.
async fn called(primary: &RedisStore) -> EntryNumber {
    let concert = Concert {
        concert_id: id(),
        version: 1,
        closed: false,
        policy: policy(json!({})),
    };
    primary.put_concert(&concert).await.unwrap();
    primary.enter(&id(), &member("a"), "").await.unwrap();
    let by = AdmitBy::Open {
        batch_size: 1,
        taken: 0,
        key: None,
    };
    let Admission::Taken(taken) = primary.admit(&id(), by).await.unwrap() else {
        panic!("nobody was taken");
    };
    let number = taken.entries[0].number;
    let called = primary.ready(&id(), &[(member("a"), number)]).await;
    assert_eq!(called.unwrap(), [true]);
    number
}

/// A token that the former primary issued, and the store that was promoted without knowing of it.
async fn a_lost_claim() -> (TokenFacts, RedisServer, RedisStore) {
    let (primary, replica) = (RedisServer::start().await, RedisServer::start().await);
    replica.follow(&primary).await;
    let former = store_at(&primary);
    let number = called(&former).await;
    eventually(SOON, "the replica knows of the call", async || {
        let record = replica.send("GET user:{concert:c}:a").await;
        record.contains(&format!("READY {number}"))
    })
    .await;
    replica.promote().await;
    let first = claimed(&former).await;
    primary.kill();
    let promoted = store_at(&replica);
    (first, replica, promoted)
}

#[tokio::test]
async fn a_claim_that_a_failover_lost_gives_a_token_of_the_same_id_and_both_are_revoked() {
    let (first, _server, store) = a_lost_claim().await;
    // Another token, not the same one signed again.
    eventually(SOON, "a later second", async || {
        claimed_later(&store, &first).await
    })
    .await;
    let second = claimed(&store).await;
    assert!(second.iat > first.iat);
    assert_eq!((second.number, &second.jti), (first.number, &first.jti));
    let completed = store.complete(&id(), &member("a"), first.number).await;
    assert!(completed.unwrap());
    assert_eq!(revoked(&store).await, [first.number]);
}

/// Claims once this machine's clock, which is also the servers', is past the first claim's second.
async fn claimed_later(store: &RedisStore, first: &TokenFacts) -> bool {
    let found = store.status(&id(), &member("a"), false).await.unwrap();
    let later = found.at.seconds() > first.iat;
    if later {
        claimed(store).await;
    }
    later
}

#[tokio::test]
async fn a_token_whose_claim_a_failover_lost_completes_its_session_and_is_revoked() {
    let (first, _server, store) = a_lost_claim().await;
    let completed = store.complete(&id(), &member("a"), first.number).await;
    assert!(completed.unwrap());
    assert_eq!(revoked(&store).await, [first.number]);
    let snapshot = store.snapshot(&id()).await.unwrap();
    assert!(snapshot.adds_up(), "{snapshot:#?}");
    assert_eq!(snapshot.counts.slots, 1, "until the gates know");
}

#[tokio::test]
async fn a_member_who_is_removed_after_a_failover_lost_the_claim_is_out() {
    let (first, _server, store) = a_lost_claim().await;
    let removed = store.leave(&id(), &member("a"), Leaving::Removed).await;
    assert_eq!(removed.unwrap(), Some(first.number));
    assert_eq!(revoked(&store).await, [first.number]);
}

#[tokio::test]
async fn a_reader_of_the_feed_misses_none_after_a_failover_that_lost_the_last() {
    let primary = RedisServer::with_frozen_clock(START).await;
    let replica = RedisServer::with_frozen_clock(START).await;
    replica.follow(&primary).await;
    let former = store_at(&primary);
    let concert = Concert {
        concert_id: id(),
        version: 1,
        closed: false,
        policy: policy(json!({"mode": "off"})),
    };
    former.put_concert(&concert).await.unwrap();
    for who in ["a", "b"] {
        former.enter(&id(), &member(who), "").await.unwrap();
        former.claim(&id(), &member(who), "kid").await.unwrap();
    }
    eventually(SOON, "the replica knows of both", async || {
        let record = replica.send("GET user:{concert:c}:b").await;
        record.contains("ENTERED")
    })
    .await;
    replica.promote().await;
    let leave = async |store: &RedisStore, who| {
        let ended = store.leave(&id(), &member(who), Leaving::ByChoice).await;
        ended.unwrap().expect("a session ends")
    };
    let lost = leave(&former, "a").await;
    assert_eq!(revoked(&former).await, [lost]);
    let read = former.revoked(&id(), None).await.unwrap().revoked;
    primary.kill();

    let promoted = store_at(&replica);
    let ended = leave(&promoted, "b").await;
    let place = read.last().map(|last| last.place);
    let page = promoted.revoked(&id(), place).await.unwrap();
    assert_eq!(
        page.revoked[0].place.order, read[0].place.order,
        "the clock stands"
    );
    assert!(!page.goes_on);
    assert_eq!(page.revoked[0].place.number, ended);
}

#[tokio::test]
async fn a_session_that_an_older_version_recorded_keeps_its_id() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    world.put(1, json!({})).await;
    let number = world.join("a").await;
    world.let_in(1).await;
    // As a claim of an older version leaves it.
    let (iat, jti) = (
        world.now().seconds(),
        "a7ce04a1-8f4b-4c56-9a53-0c0e0a3f5d77",
    );
    let exp = iat + 600;
    redis
        .send(&format!(
            "ZREM {{concert:c}}:ready a\r\n\
             ZADD {{concert:c}}:inside {exp}000 a\r\n\
             SET user:{{concert:c}}:a \"ENTERED {number} {exp}000 {jti} kid {iat} {exp}\""
        ))
        .await;
    let facts = world.claimed("a").await;
    assert_eq!(
        (facts.number, facts.jti.as_str(), facts.exp),
        (number, jti, exp)
    );
    let extended = world.extend("a", number).await.unwrap();
    assert_eq!(extended.token.jti, jti);
    assert!(world.complete("a", number).await);
    assert_eq!(world.revoked().await, [number]);
}
