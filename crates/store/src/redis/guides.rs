//! Asking Sentinels, or the nodes of a cluster, where the primaries are.
//!
//! All are asked, and of two that differ the one with the higher configuration epoch is believed, as they do among
//! themselves: one that was cut off from the others, or was away, misleads nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use redis::{ConnectionInfo, Pipeline, RedisResult, Value, from_redis_value};

use super::{
    address::{Guides, Kind, at},
    first,
    link::{Answers, Link},
};

/// How long one may take to answer.
const LIMIT: Duration = Duration::from_millis(500);

/// Where a server is.
pub(super) type Place = (String, u16);

/// What one of those who were asked says of a primary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) epoch: u64,
    pub(super) place: Place,
    /// The first and last of each range of slots that it has; of a cluster only.
    pub(super) slots: Vec<(u16, u16)>,
}

/// What one answer says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    claims: Vec<Claim>,
    /// Every server that could be asked as well.
    others: BTreeSet<Place>,
}

/// Asks, and remembers whom it can ask.
pub(super) struct Asker {
    guides: Guides,
    named: Vec<Link>,
    others: BTreeMap<Place, Link>,
}

impl Asker {
    pub(super) fn new(guides: Guides) -> RedisResult<Self> {
        let named = guides.named.iter().cloned();
        let named: RedisResult<_> = named.map(|info| Link::open(info, LIMIT)).collect();
        for info in &guides.named {
            first::connect(info, LIMIT);
        }
        Ok(Self {
            named: named?,
            others: BTreeMap::new(),
            guides,
        })
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.guides.kind
    }

    /// How a server is reached.
    pub(super) fn info(&self, (host, port): &Place) -> ConnectionInfo {
        at(&self.guides.servers, host, *port)
    }

    /// Asks all; of what they claim, the latest comes last. Nothing if nobody answers.
    pub(super) async fn ask(&mut self) -> Vec<Claim> {
        let question = question(&self.guides.kind);
        let named = self.named.iter().zip(&self.guides.named);
        let named = named.map(|(link, info)| (link, host_of(info)));
        let others = self.others.iter();
        let others = others.map(|(place, link)| (link, place.0.clone()));
        let asked = named.chain(others).map(async |(link, host)| {
            let answers = link.send(&question).await;
            self.read(answers, &host)
        });
        let answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        if !answers.is_empty() {
            self.remember(answers.iter().flat_map(|answer| &answer.others));
        }
        let mut claims: Vec<_> = answers
            .into_iter()
            .flat_map(|answer| answer.claims)
            .collect();
        claims.sort();
        claims.dedup();
        claims
    }

    fn read(&self, answers: Answers, asked: &str) -> Option<Answer> {
        let answers: RedisResult<Vec<Value>> = answers.ok()?.into_iter().collect();
        let answers = answers.ok()?;
        match self.guides.kind {
            Kind::Sentinel(_) => of_sentinel(answers),
            Kind::Cluster => {
                let (text,): (String,) = from_redis_value(Value::Array(answers)).ok()?;
                let is_tls = matches!(
                    self.guides.servers.addr(),
                    redis::ConnectionAddr::TcpTls { .. }
                );
                Some(of_cluster(&text, asked, is_tls))
            }
        }
    }

    /// Asks these too from now on, and no others that the address does not name.
    fn remember<'a>(&mut self, places: impl Iterator<Item = &'a Place>) {
        let places: BTreeSet<_> = places.cloned().collect();
        self.others.retain(|place, _| places.contains(place));
        for place in places {
            let info = self.info(&place);
            let is_named = self
                .guides
                .named
                .iter()
                .any(|named| named.addr() == info.addr());
            if !is_named
                && !self.others.contains_key(&place)
                && let Ok(link) = Link::open(info, LIMIT)
            {
                self.others.insert(place, link);
            }
        }
    }
}

fn question(kind: &Kind) -> Pipeline {
    let mut question = redis::pipe();
    question.ignore_errors();
    match kind {
        // During a failover only the first has the new one.
        Kind::Sentinel(name) => question
            .cmd("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(name)
            .cmd("SENTINEL")
            .arg("MASTER")
            .arg(name),
        Kind::Cluster => question.cmd("CLUSTER").arg("NODES"),
    };
    question
}

fn host_of(info: &ConnectionInfo) -> String {
    match info.addr() {
        redis::ConnectionAddr::Tcp(host, _) | redis::ConnectionAddr::TcpTls { host, .. } => {
            host.clone()
        }
        _ => String::new(),
    }
}

fn of_sentinel(answers: Vec<Value>) -> Option<Answer> {
    let ((host, port), facts): (Place, BTreeMap<String, String>) =
        from_redis_value(Value::Array(answers)).ok()?;
    let claim = Claim {
        epoch: facts.get("config-epoch")?.parse().ok()?,
        place: (host, port),
        slots: Vec::new(),
    };
    Some(Answer {
        claims: vec![claim],
        others: BTreeSet::new(),
    })
}

/// Reads `CLUSTER NODES`, as a server answered it that was asked at this host. Servers with a name are reached by
/// it over TLS, for their certificates have it.
fn of_cluster(text: &str, asked: &str, is_tls: bool) -> Answer {
    let mut answer = Answer::default();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [_, address, flags, _primary, _, _, epoch, _link, slots @ ..] = &words[..] else {
            continue;
        };
        let flags: Vec<_> = flags.split(',').collect();
        let is = |flag| flags.contains(&flag);
        let (Some(place), Ok(epoch)) = (place_of(address, asked, is_tls), epoch.parse()) else {
            continue;
        };
        if is("noaddr") || is("handshake") {
            continue;
        }
        answer.others.insert(place.clone());
        if is("master") {
            let slots = slots.iter().filter_map(|word| range(word)).collect();
            answer.claims.push(Claim {
                epoch,
                place,
                slots,
            });
        }
    }
    answer
}

/// Reads `ip:port@bus,hostname,…`. A server that does not know its own address is where it was asked.
fn place_of(address: &str, asked: &str, is_tls: bool) -> Option<Place> {
    let mut parts = address.split(',');
    let (ip, port) = parts.next()?.split('@').next()?.rsplit_once(':')?;
    let name = parts.next().filter(|name| is_tls && !name.is_empty());
    let host = name.unwrap_or(if ip.is_empty() { asked } else { ip });
    Some((host.to_owned(), port.parse().ok()?))
}

/// Reads `5460` or `0-5460`; one that is on its way (`[93->-…]`) is no range.
fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, port: u16) -> Place {
        (host.into(), port)
    }

    #[test]
    fn the_nodes_of_a_cluster_say_who_has_which_slots() {
        let text = "\
            07c3 10.0.0.1:7001@17001,one.example myself,master - 0 0 5 connected 0-5460 [93->-07c4]\n\
            07c4 10.0.0.2:7002@17002,, master,fail - 1 1 2 disconnected 5461-10922 16383\n\
            07c5 10.0.0.3:7003@17003 slave 07c3 0 1 5 connected\n\
            07c6 :0@0 master,noaddr - 1 1 3 disconnected\n";
        let answer = of_cluster(text, "asked", false);
        let claim = |epoch, host: &str, port, slots| Claim {
            epoch,
            place: place(host, port),
            slots,
        };
        assert_eq!(
            answer.claims,
            [
                claim(5, "10.0.0.1", 7001, vec![(0, 5460)]),
                claim(2, "10.0.0.2", 7002, vec![(5461, 10922), (16383, 16383)]),
            ]
        );
        let others = [(1, 7001), (2, 7002), (3, 7003)];
        let others = others.map(|(n, port)| place(&format!("10.0.0.{n}"), port));
        assert_eq!(answer.others, others.into());
    }

    #[test]
    fn a_node_is_reached_by_its_name_over_tls_and_where_it_was_asked_if_it_knows_no_address() {
        let named = "10.0.0.1:7001@17001,one.example,shard-id=1";
        assert_eq!(place_of(named, "x", true), Some(place("one.example", 7001)));
        assert_eq!(place_of(named, "x", false), Some(place("10.0.0.1", 7001)));
        assert_eq!(place_of(":7001@17001", "x", true), Some(place("x", 7001)));
        assert_eq!(
            place_of("::1:7001@17001", "x", false),
            Some(place("::1", 7001))
        );
    }

    #[test]
    fn a_sentinel_says_where_the_primary_is_and_since_which_epoch() {
        let text = |text: &str| Value::BulkString(text.into());
        let place = Value::Array(vec![text("10.0.0.1"), text("6379")]);
        let facts = [("name", "m"), ("ip", "10.0.0.9"), ("config-epoch", "4")];
        let facts = facts
            .iter()
            .flat_map(|(key, value)| [text(key), text(value)]);
        let answer = of_sentinel(vec![place, Value::Array(facts.collect())]).unwrap();
        let claim = &answer.claims[0];
        assert_eq!((claim.epoch, &claim.place), (4, &("10.0.0.1".into(), 6379)));
        assert_eq!(of_sentinel(vec![Value::Nil, Value::Nil]), None);
    }
}
