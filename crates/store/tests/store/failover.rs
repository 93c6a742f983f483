//! Booking tokens after a failover that lost the claim.

use std::time::Duration;

use serde_json::json;
use sunbeon_domain::{Concert, EntryNumber};
use sunbeon_store::{
    Admission, Beat, Claim, Entering, Leaving, Opening, RedisStore, Role, Store, TokenFacts,
    redis::Settings,
};
use sunbeon_test_support::{RedisServer, eventually};

use crate::world::{START, at, id, member, policy};

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
    let by = Opening {
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
    assert_eq!(snapshot.out_of_order, 0, "{snapshot:#?}");
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

/// Beats of both roles, as of members who are heard.
async fn beat(store: &RedisStore) {
    for role in [Role::WaitingRoom, Role::Token] {
        store.beat(&id(), Beat { role, heard: true }).await.unwrap();
    }
}

#[tokio::test]
async fn a_promoted_replica_with_a_fast_clock_clears_no_line() {
    let second = 1_000_000;
    let primary = RedisServer::with_frozen_clock(START).await;
    let replica = RedisServer::with_frozen_clock(START).await;
    replica.follow(&primary).await;
    let concert = Concert {
        concert_id: id(),
        version: 1,
        closed: false,
        policy: policy(json!({"bookingEndAt": at(60)})),
    };
    let former = store_at(&primary);
    former.put_concert(&concert).await.unwrap();
    for i in 0..1_000 {
        let name = member(&format!("m{i}"));
        former.enter(&id(), &name, "").await.unwrap();
    }
    beat(&former).await;
    eventually(SOON, "the line at the replica", async || {
        replica.send("ZCARD concert:c").await.contains(":1000")
    })
    .await;
    // The promoted one is past the end by 300 ms, 5 s before it.
    replica.set_clock(START + 60 * second + second * 3 / 10);
    replica.promote().await;
    let promoted = store_at(&replica);
    beat(&promoted).await;
    let late = promoted.enter(&id(), &member("late"), "").await.unwrap();
    assert_eq!(late, Entering::Closed);
    assert_eq!(
        promoted.snapshot(&id()).await.unwrap().counts.waiting,
        1_000
    );
    // Its clock is set right.
    replica.set_clock(START + 56 * second);
    for _ in 0..3 {
        beat(&promoted).await;
        promoted.tick(&id(), false).await.unwrap();
    }
    let snapshot = promoted.snapshot(&id()).await.unwrap();
    assert_eq!(
        (snapshot.counts.waiting, snapshot.totals.cleared),
        (1_000, 0)
    );
    let late = promoted.enter(&id(), &member("late"), "").await.unwrap();
    assert!(matches!(late, Entering::New(_)), "{late:?}");
}
