use std::time::Duration;

use crate::poll::eventually;
use crate::redis::RedisServer;

const START_LIMIT: Duration = Duration::from_secs(60);
const SLOTS: [&str; 3] = ["0 5460", "5461 10922", "10923 16383"];
/// A node takes no writes until it has been in the cluster for two seconds of its clock.
const BEFORE: u64 = 10_000_000;
/// Longer than any test lets a frozen clock leap.
const NEVER: Duration = Duration::from_secs(1_000 * 86_400);

/// A private Redis Cluster: three primaries, each with a replica or none, on loopback. Dropping it kills it.
///
/// Needs `redis-server` on the `PATH`.
#[derive(Debug)]
pub struct RedisCluster {
    primaries: Vec<RedisServer>,
    replicas: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three primaries with a replica each, and waits until they take writes. A primary that is silent
    /// for `timeout` is replaced.
    ///
    /// # Panics
    /// If Redis is not installed or the cluster is not whole within 60 seconds.
    pub async fn start(timeout: Duration) -> RedisCluster {
        let cluster = RedisCluster {
            primaries: nodes(None, timeout).await,
            replicas: nodes(None, timeout).await,
        };
        cluster.meet().await;
        cluster.replicate().await;
        cluster.whole().await;
        cluster
    }

    /// Starts three primaries whose clocks stand at `micros` since the epoch, as
    /// [`RedisServer::with_frozen_clock`] does. They have no replicas, and none is ever held to be gone.
    ///
    /// # Panics
    /// Where [`RedisCluster::start`] does, and if there is no C compiler.
    pub async fn with_frozen_clock(micros: u64) -> RedisCluster {
        let cluster = RedisCluster {
            primaries: nodes(Some(micros - BEFORE), NEVER).await,
            replicas: Vec::new(),
        };
        cluster.meet().await;
        cluster.set_clock(micros);
        cluster.whole().await;
        cluster
    }

    /// Returns `redis-cluster://…` with the address of every node.
    pub fn url(&self) -> String {
        let hosts = self
            .nodes()
            .map(|node| format!("127.0.0.1:{}", node.port()));
        format!("redis-cluster://{}", hosts.collect::<Vec<_>>().join(","))
    }

    /// Returns the primaries as they were at the start.
    pub fn primaries(&self) -> &[RedisServer] {
        &self.primaries
    }

    /// Returns the replicas as they were at the start, in the order of their primaries.
    pub fn replicas(&self) -> &[RedisServer] {
        &self.replicas
    }

    /// Moves frozen clocks to `micros` since the epoch, at once.
    ///
    /// # Panics
    /// If it was not started with [`RedisCluster::with_frozen_clock`].
    pub fn set_clock(&self, micros: u64) {
        self.nodes().for_each(|node| node.set_clock(micros));
    }

    /// Returns which of the primaries had a key's slot at the start.
    ///
    /// # Panics
    /// If the first does not answer.
    pub async fn owner(&self, key: &str) -> &RedisServer {
        let question = format!("CLUSTER KEYSLOT {key}");
        let slot = number(&self.primaries[0].send(&question).await);
        let has = |slots: &str| {
            let (first, last) = slots.split_once(' ').expect("two slots");
            (number(first)..=number(last)).contains(&slot)
        };
        let shares = self.primaries.iter().zip(SLOTS);
        let mut owners = shares.filter(|(_, slots)| has(slots));
        owners.next().expect("every slot has an owner").0
    }

    fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.primaries.iter().chain(&self.replicas)
    }

    /// Gives each primary its slots and makes all known to all.
    async fn meet(&self) {
        for (epoch, (node, slots)) in self.primaries.iter().zip(SLOTS).enumerate() {
            let epoch = format!("CLUSTER SET-CONFIG-EPOCH {}", epoch + 1);
            let slots = format!("CLUSTER ADDSLOTSRANGE {slots}");
            node.send(&format!("{epoch}\r\n{slots}")).await;
        }
        let count = self.nodes().count();
        for (place, node) in self.nodes().enumerate() {
            for other in self.nodes().skip(place + 1) {
                let bus = other.bus().expect("a node of a cluster").port;
                let meet = format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port());
                node.send(&meet).await;
            }
        }
        self.all(&format!("cluster_known_nodes:{count}\r")).await;
    }

    async fn replicate(&self) {
        for (primary, replica) in self.primaries.iter().zip(&self.replicas) {
            let id = primary.send("CLUSTER MYID").await;
            let id = id.lines().nth(1).expect("an id").to_owned();
            eventually(START_LIMIT, "a replica is let in", async || {
                let answer = replica.send(&format!("CLUSTER REPLICATE {id}")).await;
                answer.starts_with("+OK")
            })
            .await;
        }
        for replica in &self.replicas {
            eventually(START_LIMIT, "a replica follows", async || {
                let replication = replica.send("INFO replication").await;
                replication.contains("master_link_status:up")
            })
            .await;
        }
    }

    async fn whole(&self) {
        self.all("cluster_state:ok").await;
    }

    async fn all(&self, says: &str) {
        for node in self.nodes() {
            eventually(START_LIMIT, "the cluster is whole", async || {
                node.send("CLUSTER INFO").await.contains(says)
            })
            .await;
        }
    }
}

fn number(text: &str) -> u16 {
    let text = text.trim_start_matches(':').lines().next();
    text.and_then(|text| text.parse().ok()).expect("a number")
}

async fn nodes(frozen_at: Option<u64>, timeout: Duration) -> Vec<RedisServer> {
    let mut nodes = Vec::new();
    for _ in SLOTS {
        nodes.push(RedisServer::launch(frozen_at, Some(timeout)).await);
    }
    nodes
}
