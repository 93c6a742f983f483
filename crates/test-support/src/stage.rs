use std::{sync::Arc, time::Duration};

use serde_json::Value;
use sunbeon_domain::{Concert, ConcertId, EntryNumber, LineFacts, MemberId, Policy, Standing};
use sunbeon_store::{
    Admission, Claim, Entering, Leaving, MemoryStore, Opening, RedisStore, Snapshot, Store,
    TakenEntry, redis,
};

use crate::{RedisServer, eventually};

/// Long enough for anything pending, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(60);

/// A store with concerts in force and people in line, for tests of a service that does only one
/// part of the work: the other services' parts are done directly on the store.
///
/// Every method panics if the store fails, or if an id or a policy is malformed.
pub struct Stage {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The Redis under it, unless it is embedded.
    pub redis: Option<RedisServer>,
}

impl Stage {
    /// Creates an embedded store.
    pub fn embedded() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            redis: None,
        }
    }

    /// Creates a store on its own Redis.
    pub async fn real() -> Self {
        let server = RedisServer::start().await;
        let settings = redis::Settings {
            url: server.url().into(),
            wait_replicas: 0,
            timeout_ms: 2_000,
        };
        Self {
            store: Arc::new(RedisStore::open(&settings).expect("a valid URL")),
            redis: Some(server),
        }
    }

    /// Puts a concert in force, titled like its id unless the fields say otherwise.
    pub async fn create(&self, concert: &str, mut fields: Value) {
        if fields.get("title").is_none() {
            fields["title"] = concert.into();
        }
        self.put(Concert {
            concert_id: id(concert),
            version: 1,
            closed: false,
            policy: patched(&Policy::default(), fields),
        })
        .await;
    }

    /// Puts a concert in force whose line moves only when a batch is opened.
    pub async fn create_by_hand(&self, concert: &str) {
        self.create(concert, serde_json::json!({"autoOpen": false}))
            .await;
    }

    /// Changes the policy in force.
    pub async fn change(&self, concert: &str, fields: Value) {
        let old = self.snapshot(concert).await.concert;
        self.put(Concert {
            version: old.version + 1,
            policy: patched(&old.policy, fields),
            ..Concert::clone(&old)
        })
        .await;
    }

    /// Closes a concert.
    pub async fn close(&self, concert: &str) {
        let old = self.snapshot(concert).await.concert;
        self.put(Concert {
            version: old.version + 1,
            closed: true,
            ..Concert::clone(&old)
        })
        .await;
    }

    /// Lines a member up and returns the entry number.
    pub async fn enter(&self, concert: &str, who: &str) -> EntryNumber {
        let entering = self.store.enter(&id(concert), &member(who), "이름").await;
        match entering.expect("the store is up") {
            Entering::New(found) => {
                let standing = found.standing(&LineFacts::default());
                standing.entry_number.expect("a number")
            }
            other => panic!("{who} does not line up: {other:?}"),
        }
    }

    /// Takes this many entries off the front, as `open` does before sending their messages.
    pub async fn take(&self, concert: &str, batch_size: u32) -> Vec<TakenEntry> {
        let by = Opening {
            batch_size,
            taken: 0,
            key: None,
        };
        let admission = self.store.admit(&id(concert), by).await;
        match admission.expect("the store is up") {
            Admission::Taken(taken) => taken.entries,
            other => panic!("nobody is taken: {other:?}"),
        }
    }

    /// Makes the member at the front READY.
    pub async fn call(&self, concert: &str, who: &str) {
        let taken = self.take(concert, 1).await;
        let entries: Vec<_> = taken.into_iter().map(|it| (it.member, it.number)).collect();
        assert_eq!(entries[0].0, member(who), "another member is at the front");
        let called = self.store.ready(&id(concert), &entries).await;
        assert_eq!(called.expect("the store is up"), [true]);
    }

    /// Removes a member, by the member's own choice or by an admin.
    pub async fn leave(&self, concert: &str, who: &str, how: Leaving) {
        let left = self.store.leave(&id(concert), &member(who), how).await;
        left.expect("the store is up");
    }

    /// Returns a member's standing without counting as activity.
    pub async fn standing(&self, concert: &str, who: &str) -> Standing {
        let found = self.store.status(&id(concert), &member(who), false).await;
        let line_facts = self.snapshot(concert).await.line_facts;
        found.expect("the store is up").standing(&line_facts)
    }

    /// Returns the line in numbers.
    ///
    /// # Panics
    /// If they do not add up.
    pub async fn snapshot(&self, concert: &str) -> Snapshot {
        let answer = self.store.snapshot(&id(concert)).await;
        let snapshot = answer.expect("the store is up");
        assert!(snapshot.adds_up(), "{snapshot:?}");
        assert_eq!(snapshot.out_of_order, 0, "{snapshot:?}");
        snapshot
    }

    /// Fetches the booking token of a member who is READY.
    pub async fn claim(&self, concert: &str, who: &str) {
        let kid = "a-key-of-the-tests";
        let answer = self.store.claim(&id(concert), &member(who), kid).await;
        let claim = answer.expect("the store is up");
        assert!(matches!(claim, Claim::Entered(_)), "{who}: {claim:?}");
    }

    /// Drops a closed concert once nobody holds a slot.
    pub async fn drop_concert(&self, concert: &str) {
        let version = self.snapshot(concert).await.concert.version;
        eventually(SOON, "nobody holds a slot", async || {
            let ticked = self.store.tick(&id(concert), false).await;
            ticked.expect("the store is up");
            let dropped = self.store.drop_concert(&id(concert), version).await;
            dropped.expect("the store is up")
        })
        .await;
    }

    async fn put(&self, mut concert: Concert) {
        let version = self.store.put_concert(&concert).await;
        let in_force = version.expect("the store is up");
        if in_force != concert.version {
            // A concert with this id was dropped, so its versions continue.
            concert.version = in_force;
            let version = self.store.put_concert(&concert).await;
            assert_eq!(version.expect("the store is up"), in_force);
        }
    }
}

fn id(concert: &str) -> ConcertId {
    ConcertId::parse(concert).expect("a valid concert id")
}

fn member(id: &str) -> MemberId {
    MemberId::parse(id).expect("a valid member id")
}

fn patched(policy: &Policy, fields: Value) -> Policy {
    let change = serde_json::from_value(fields).expect("valid policy fields");
    policy.changed(change).expect("a valid policy")
}
