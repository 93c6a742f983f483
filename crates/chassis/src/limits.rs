//! Rate limits per address and per member.

mod client;

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
};

use axum::{extract::ConnectInfo, http::request::Parts};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DashMapStateStore,
};
use ipnet::IpNet;
use sunbeon_domain::{Code, MemberId};

use crate::{ApiError, ApiResult, settings};

/// The limits of a process and their counters.
pub(crate) struct Limits {
    address: Option<Limit<IpAddr>>,
    gate: Option<Limit<IpAddr>>,
    feed: Option<Limit<IpAddr>>,
    main_page: Option<Limit<IpAddr>>,
    member: Option<Limit<MemberId>>,
    proxied_member: Option<Limit<MemberId>>,
    guest: Option<Limit<IpAddr>>,
    ending: Option<Limit<MemberId>>,
    loopback: bool,
    trusted_proxies: Vec<IpNet>,
    unbelieved: Unbelieved,
}

/// Whether the warning about ignored forwarding headers was logged already.
#[derive(Default)]
struct Unbelieved {
    of_loopback: AtomicBool,
    of_others: AtomicBool,
}

impl Limits {
    pub(crate) fn new(settings: &settings::Limits) -> Self {
        Self {
            address: Limit::per_second(settings.address_per_second),
            gate: Limit::per_second(settings.address_per_second),
            feed: Limit::per_second(settings.address_per_second),
            main_page: Limit::per_second(settings.main_page_per_second),
            member: Limit::per_second(settings.member_per_second),
            proxied_member: Limit::per_second(settings.proxied_member_per_second),
            guest: Limit::new(Quota::per_hour, settings.guests_per_hour),
            ending: Limit::new(Quota::per_hour, settings.endings_per_hour),
            loopback: settings.loopback,
            trusted_proxies: settings.trusted_proxies.clone(),
            unbelieved: Unbelieved::default(),
        }
    }

    /// Returns the address that a request counts against, or `None` for callers that are not
    /// limited, because they are on loopback or in this process.
    pub(crate) fn client(&self, parts: &Parts) -> Option<IpAddr> {
        let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
        let address = client::address(peer.ip(), &parts.headers, &self.trusted_proxies);
        if client::is_unbelieved(peer.ip(), &parts.headers, &self.trusted_proxies) {
            self.warn_once(peer.ip());
        }
        (self.loopback || !address.is_loopback()).then(|| network(address))
    }

    /// Warns once that forwarding headers are ignored: limits do not work behind an unknown proxy.
    fn warn_once(&self, peer: IpAddr) {
        let (logged, effect) = match peer.to_canonical().is_loopback() {
            true if !self.loopback => (&self.unbelieved.of_loopback, "nobody behind it is limited"),
            _ => (
                &self.unbelieved.of_others,
                "all of its clients share one limit",
            ),
        };
        if !logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "forwarding headers ignored: the peer is not in limits.trusted_proxies; if it is your \
                 proxy, {effect}: add its address there"
            );
        }
    }

    /// Counts a request against an address.
    pub(crate) fn address(&self, client: IpAddr) -> ApiResult<()> {
        check(&self.address, &client)
    }

    /// Counts a request against an address on a gate's route, separately, so that other requests
    /// from there cannot starve the gate.
    pub(crate) fn gate(&self, client: IpAddr) -> ApiResult<()> {
        check(&self.gate, &client)
    }

    /// Counts a request of an address for a feed that was refused.
    pub(crate) fn feed(&self, client: IpAddr) -> ApiResult<()> {
        check(&self.feed, &client)
    }

    /// Counts a request by which a member ends what they have.
    pub(crate) fn ending(&self, member: &MemberId) -> ApiResult<()> {
        check(&self.ending, member)
    }

    /// Counts a request for a main page against an address.
    pub(crate) fn main_page(&self, client: IpAddr) -> ApiResult<()> {
        check(&self.main_page, &client)
    }

    /// Counts a request against a member.
    pub(crate) fn member(&self, member: &MemberId) -> ApiResult<()> {
        check(&self.member, member)
    }

    /// Counts a new guest against an address.
    pub(crate) fn guest(&self, client: IpAddr) -> ApiResult<()> {
        check(&self.guest, &client)
    }

    /// Counts a request that a proxy makes on a member's behalf.
    pub(crate) fn proxied_member(&self, member: &MemberId) -> ApiResult<()> {
        check(&self.proxied_member, member)
    }
}

/// Returns an IPv4 address, or the /64 of an IPv6 address: a client with one of its addresses has
/// them all.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

fn check<K: Hash + Eq + Clone>(limit: &Option<Limit<K>>, key: &K) -> ApiResult<()> {
    limit.as_ref().map_or(Ok(()), |limit| limit.check(key))
}

/// A rate limit with a burst of the same size, for each key.
struct Limit<K: Hash + Eq + Clone> {
    counted: RateLimiter<K, DashMapStateStore<K>, DefaultClock>,
    /// How many requests remain until idle keys are forgotten.
    until_sweep: AtomicI64,
}

/// The minimum number of requests between two sweeps.
const SWEEP_AFTER: i64 = 4096;

impl<K: Hash + Eq + Clone> Limit<K> {
    fn per_second(many: u32) -> Option<Self> {
        Self::new(Quota::per_second, many)
    }

    /// Creates a limit, or `None` for 0.
    fn new(quota: fn(NonZeroU32) -> Quota, many: u32) -> Option<Self> {
        Some(Self {
            counted: RateLimiter::dashmap(quota(NonZeroU32::new(many)?)),
            until_sweep: AtomicI64::new(SWEEP_AFTER),
        })
    }

    fn check(&self, key: &K) -> ApiResult<()> {
        self.sweep_now_and_then();
        self.counted.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
            ApiError::from(Code::TooManyRequests).retry_after(seconds.max(1))
        })
    }

    /// Forgets idle keys after as many requests as there were keys after the last sweep: at most
    /// twice the needed keys are kept, and the work stays proportional to the requests.
    fn sweep_now_and_then(&self) {
        if self.until_sweep.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.counted.retain_recent();
            let kept = i64::try_from(self.counted.len()).unwrap_or(i64::MAX);
            self.until_sweep
                .store(kept.max(SWEEP_AFTER), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_client_is_counted_by_its_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(
            of("2001:db8:1:2::1"),
            of("2001:db8:1:2:ffff:ffff:ffff:ffff")
        );
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("203.0.113.7").to_string(), "203.0.113.7");
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }

    /// Returns the default limits.
    fn limits() -> Limits {
        #[derive(serde::Deserialize)]
        struct Settings {
            limits: settings::Limits,
        }
        let settings: Settings = settings::load_from(Default::default()).unwrap();
        Limits::new(&settings.limits)
    }

    /// Returns a request of a peer that claims to forward it.
    fn forwarded(peer: &str) -> Parts {
        let peer: IpAddr = peer.parse().unwrap();
        let request = axum::http::Request::builder()
            .header("x-forwarded-for", "203.0.113.7")
            .extension(ConnectInfo(SocketAddr::new(peer, 4711)));
        request.body(()).unwrap().into_parts().0
    }

    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_untrusted_proxy_is_logged_once() {
        let log = Log::default();
        let lines = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || lines.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let limits = limits();
            for _ in 0..3 {
                assert_eq!(limits.client(&forwarded("127.0.0.1")), None);
                limits.client(&forwarded("198.51.100.1"));
            }
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let of = |effect: &str| text.matches(effect).count();
        assert_eq!(of("nobody behind it is limited"), 1, "{text}");
        assert_eq!(of("all of its clients share one limit"), 1, "{text}");
    }

    #[test]
    fn idle_keys_are_forgotten() {
        // So fast that a key is idle again when the next one comes.
        let limit = Limit::per_second(1_000_000_000).unwrap();
        let many = 10 * SWEEP_AFTER;
        for key in 0..many {
            limit.check(&key).unwrap();
        }
        let kept = i64::try_from(limit.counted.len()).unwrap();
        assert!(kept <= 2 * SWEEP_AFTER, "{kept} of {many}");
    }

    #[test]
    fn a_busy_key_stays_refused() {
        let limit = Limit::per_second(1).unwrap();
        let begun = std::time::Instant::now();
        let passed = (0..3 * SWEEP_AFTER)
            .filter(|other| {
                limit.check(&(other + 1)).unwrap();
                limit.check(&0).is_ok()
            })
            .count();
        let most = 2 + begun.elapsed().as_secs();
        assert!(passed as u64 <= most, "{passed} of at most {most}");
    }
}
