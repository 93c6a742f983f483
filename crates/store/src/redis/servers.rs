//! Which server has a key.
//!
//! The redis crate's own connection to a cluster is not used: it holds back every call while it learns the
//! slots anew, so that one silent node stalls all concerts, and it repeats calls of which nobody knows
//! whether they took effect. Its Sentinel client believes the first Sentinel that answers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Weak},
    time::Duration,
};

use redis::{ConnectionInfo, ErrorKind, RedisResult, cluster_routing::Slot};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::{
    address::{Address, Kind},
    first,
    guides::{Asker, Claim, Place},
    keys,
    link::{GIVE_UP_AFTER, Link},
};

/// How often those who know are asked while all is well.
const LOOK: Duration = Duration::from_secs(1);

/// A server that takes writes.
pub(super) struct Server {
    pub(super) reads: Arc<Link>,
    /// A connection of its own where writes wait for replicas: Redis answers nothing else on it
    /// meanwhile.
    pub(super) writes: Arc<Link>,
}

/// How connections are made.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) limit: Duration,
    pub(super) waits_for_replicas: bool,
}

impl Server {
    fn open(info: ConnectionInfo, terms: Terms) -> RedisResult<Arc<Self>> {
        first::connect(&info, terms.limit);
        let reads = Arc::new(Link::open(info.clone(), terms.limit)?);
        let writes = if terms.waits_for_replicas {
            Arc::new(Link::open(info, terms.limit)?)
        } else {
            reads.clone()
        };
        Ok(Arc::new(Self { reads, writes }))
    }
}

/// The servers of a store.
#[derive(Clone)]
pub(super) enum Servers {
    /// One, at an address that does not change.
    One(Arc<Server>),
    /// Some that are found by asking, again and again.
    Found(Arc<Found>),
}

/// What is known of servers that are found.
pub(super) struct Found {
    known: watch::Sender<Arc<Known>>,
    trouble: Notify,
    limit: Duration,
}

#[derive(Default)]
struct Known {
    /// Who claims what, by which another answer is told.
    claims: Vec<Claim>,
    servers: BTreeMap<Place, Arc<Server>>,
    owners: Owners,
}

enum Owners {
    /// One server has every key.
    All(Arc<Server>),
    Slots(HashMap<Slot, Arc<Server>>),
}

impl Default for Owners {
    fn default() -> Self {
        Self::Slots(HashMap::new())
    }
}

impl Known {
    fn owner(&self, key: &str) -> Option<Arc<Server>> {
        match &self.owners {
            Owners::All(server) => Some(server.clone()),
            Owners::Slots(slots) => slots.get(&Slot::for_key(key)).cloned(),
        }
    }
}

impl Servers {
    /// Opens the servers that an address names. Those that are found are looked for until the last handle is gone.
    pub(super) fn open(address: Address, terms: Terms) -> RedisResult<Self> {
        let guides = match address {
            Address::Server(info) => return Ok(Self::One(Server::open(info, terms)?)),
            Address::Found(guides) => guides,
        };
        let asker = Asker::new(guides)?;
        let found = Arc::new(Found {
            known: watch::Sender::default(),
            trouble: Notify::new(),
            limit: terms.limit,
        });
        tokio::spawn(look(Arc::downgrade(&found), asker, terms));
        Ok(Self::Found(found))
    }

    /// Returns the server that has a key.
    pub(super) async fn owner(&self, key: &str) -> RedisResult<Arc<Server>> {
        match self {
            Self::One(server) => Ok(server.clone()),
            Self::Found(found) => found.owner(key).await,
        }
    }

    /// Returns every server with a key that it has, for a word to be written there.
    pub(super) async fn each(&self) -> RedisResult<Vec<(String, Arc<Server>)>> {
        let first = (keys::PROBE.to_owned(), self.owner(keys::PROBE).await?);
        let Self::Found(found) = self else {
            return Ok(vec![first]);
        };
        let known = found.known.borrow().clone();
        let with_slots = match &known.owners {
            Owners::All(_) => return Ok(vec![first]),
            Owners::Slots(slots) => slots.values().collect::<Vec<_>>(),
        };
        let mut each = vec![first];
        let mut keys = (1..).map(keys::probe);
        let has = |each: &[(String, Arc<Server>)], server: &Arc<Server>| {
            let mut servers = each.iter().map(|(_, server)| server);
            servers.any(|one| Arc::ptr_eq(one, server))
        };
        for server in with_slots {
            while !has(&each, server) {
                let key = keys.next().unwrap_or_default();
                if let Some(owner) = known.owner(&key)
                    && !has(&each, &owner)
                {
                    each.push((key, owner));
                }
            }
        }
        Ok(each)
    }

    /// Returns these keys in groups that one command may name.
    pub(super) fn together<T>(&self, all: Vec<T>, key: impl Fn(&T) -> String) -> Vec<Vec<T>> {
        let is_one = match self {
            Self::One(_) => true,
            Self::Found(found) => matches!(found.known.borrow().owners, Owners::All(_)),
        };
        if is_one {
            return vec![all];
        }
        let mut groups = HashMap::<_, Vec<T>>::new();
        for item in all {
            let slot = Slot::for_key(key(&item));
            groups.entry(slot).or_default().push(item);
        }
        groups.into_values().collect()
    }

    /// Says that a server broke off, or did not serve a command.
    pub(super) fn look_again(&self) {
        if let Self::Found(found) = self {
            found.trouble.notify_one();
        }
    }
}

impl Found {
    async fn owner(&self, key: &str) -> RedisResult<Arc<Server>> {
        if let Some(server) = self.known.borrow().owner(key) {
            return Ok(server);
        }
        self.look_again_for(key).await.ok_or_else(|| {
            let text = "no primary is known";
            (ErrorKind::Io, text).into()
        })
    }

    /// Waits until somebody has the key, for half of what a call may take.
    async fn look_again_for(&self, key: &str) -> Option<Arc<Server>> {
        self.trouble.notify_one();
        let mut seen = self.known.subscribe();
        let known = seen.wait_for(|known| known.owner(key).is_some());
        let known = timeout(self.limit / 2, known).await.ok()?.ok()?;
        known.owner(key)
    }
}

/// Keeps what is known up to date while anybody uses it.
async fn look(found: Weak<Found>, mut asker: Asker, terms: Terms) {
    let mut is_lost = false;
    loop {
        let claims = asker.ask().await;
        let Some(found) = found.upgrade() else { return };
        if claims.is_empty() && !is_lost {
            tracing::warn!("nobody says where the Redis primary is; retrying");
        }
        is_lost = claims.is_empty();
        let before = found.known.borrow().clone();
        if !is_lost && claims != before.claims {
            found
                .known
                .send_replace(Arc::new(known(claims, &before, &asker, terms)));
        }
        sleep(GIVE_UP_AFTER).await;
        let _ = timeout(LOOK - GIVE_UP_AFTER, found.trouble.notified()).await;
    }
}

/// What follows from these claims. A server that is there already keeps its connections.
fn known(claims: Vec<Claim>, before: &Known, asker: &Asker, terms: Terms) -> Known {
    let mut known = Known::default();
    let mut server = |place: &Place| -> Option<Arc<Server>> {
        let there = known.servers.get(place).or(before.servers.get(place));
        let server = match there {
            Some(server) => server.clone(),
            None => Server::open(asker.info(place), terms).ok()?,
        };
        known.servers.insert(place.clone(), server.clone());
        Some(server)
    };
    match asker.kind() {
        Kind::Sentinel(_) => {
            let last = claims.last();
            if let Some(server) = last.and_then(|claim| server(&claim.place)) {
                known.owners = Owners::All(server);
            }
        }
        Kind::Cluster => {
            let mut slots = HashMap::new();
            for claim in claims.iter().filter(|claim| !claim.slots.is_empty()) {
                let Some(server) = server(&claim.place) else {
                    continue;
                };
                let ranges = claim.slots.iter().map(|(first, last)| *first..=*last);
                let its = ranges.flatten().filter_map(Slot::new);
                slots.extend(its.map(|slot| (slot, server.clone())));
            }
            known.owners = Owners::Slots(slots);
        }
    }
    if known.servers.keys().ne(before.servers.keys()) {
        let at: Vec<_> = known
            .servers
            .keys()
            .map(|(host, port)| format!("{host}:{port}"))
            .collect();
        tracing::info!(at = at.join(","), "found where Redis takes writes");
    }
    known.claims = claims;
    known
}
