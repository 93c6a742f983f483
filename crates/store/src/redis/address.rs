//! What an address names: one server, the Sentinels that know it, or a cluster.

use redis::{
    ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisResult,
    io::tcp::TcpSettings,
};

/// What an address names.
pub(super) enum Address {
    /// One server.
    Server(ConnectionInfo),
    /// Servers that are found by asking others.
    Found(Guides),
}

/// Those who know where the primaries are.
pub(super) struct Guides {
    pub(super) kind: Kind,
    /// The ones that the address names.
    pub(super) named: Vec<ConnectionInfo>,
    /// How a server is reached, apart from where it is.
    pub(super) servers: ConnectionInfo,
}

/// What kind of servers the guides are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sentinels, which watch a primary of this name.
    Sentinel(String),
    /// The nodes of a cluster.
    Cluster,
}

impl Address {
    /// Reads `redis://…`, `redis-sentinel://host,host/name?sentinel_password=…` or
    /// `redis-cluster://host,host`; with `rediss` for TLS.
    pub(super) fn parse(url: &str) -> RedisResult<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let Some((scheme, kind)) = scheme.split_once('-') else {
            return Ok(Self::Server(info(url)?));
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let each = |login: &str, port: u16| -> RedisResult<Vec<_>> {
            let hosts = hosts.split(',').map(|host| with_port(host, port));
            let urls = hosts.map(|host| format!("{scheme}://{login}@{host}"));
            urls.map(|url| info(&url)).collect()
        };
        let (kind, named) = match kind {
            "sentinel" => {
                let (name, password) = path.split_once("?sentinel_password=").unwrap_or((path, ""));
                if name.is_empty() || name.contains(['/', '?']) {
                    return Err(malformed("the path is the name of the primary"));
                }
                if password.contains(['&', '/', '?']) {
                    return Err(malformed("nothing follows the password of the Sentinels"));
                }
                let named = each(&format!(":{password}"), 26_379)?;
                (Kind::Sentinel(name.to_owned()), named)
            }
            "cluster" if path.is_empty() => (Kind::Cluster, each(login, 6_379)?),
            "cluster" => return Err(malformed("a cluster has no path")),
            _ => return Err(malformed("the scheme is unknown")),
        };
        let first = each(login, 6_379)?.swap_remove(0);
        Ok(Self::Found(Guides {
            kind,
            named,
            servers: first,
        }))
    }
}

fn malformed(why: &'static str) -> redis::RedisError {
    (ErrorKind::InvalidClientConfig, why).into()
}

fn info(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

/// An IPv6 address stands in brackets.
fn with_port(host: &str, port: u16) -> String {
    let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
    if has_port {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    }
}

/// Returns the connection of the same kind to another server.
pub(super) fn at(info: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let host = host.to_owned();
    let addr = match info.addr() {
        ConnectionAddr::TcpTls {
            insecure,
            tls_params,
            ..
        } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.clone().set_addr(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guides(url: &str) -> Guides {
        match Address::parse(url) {
            Ok(Address::Found(guides)) => guides,
            Ok(Address::Server(_)) => panic!("{url} is one server"),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    fn hosts(infos: &[ConnectionInfo]) -> Vec<String> {
        infos.iter().map(|info| info.addr().to_string()).collect()
    }

    #[test]
    fn an_address_names_one_server_or_sentinels_or_a_cluster() {
        assert!(matches!(
            Address::parse("redis://localhost:7000/0"),
            Ok(Address::Server(_))
        ));
        let found = guides("redis-sentinel://a,b:7,[::1]/mymaster");
        assert_eq!(found.kind, Kind::Sentinel("mymaster".into()));
        assert_eq!(hosts(&found.named), ["a:26379", "b:7", "::1:26379"]);
        let found = guides("rediss-cluster://a,b:7");
        assert_eq!(found.kind, Kind::Cluster);
        assert_eq!(hosts(&found.named), ["a:6379", "b:7"]);
        let other = at(&found.servers, "c", 9);
        assert!(matches!(other.addr(), ConnectionAddr::TcpTls { .. }));
        assert_eq!(hosts(&[other]), ["c:9"]);
    }

    #[test]
    fn sentinels_have_a_password_of_their_own() {
        let found = guides("redis-sentinel://user:one@a/mymaster?sentinel_password=two%40");
        let servers = found.servers.redis_settings();
        assert_eq!(
            (servers.username(), servers.password()),
            (Some("user"), Some("one"))
        );
        let asked = found.named[0].redis_settings();
        assert_eq!((asked.username(), asked.password()), (None, Some("two@")));
        let found = guides("redis-sentinel://:one@a/mymaster");
        assert_eq!(found.named[0].redis_settings().password(), None);
        let found = guides("redis-cluster://:one@a,b");
        assert_eq!(found.named[1].redis_settings().password(), Some("one"));
    }

    #[test]
    fn an_address_that_names_nothing_is_refused() {
        for url in [
            "redis-sentinel://a",
            "redis-sentinel://a/",
            "redis-sentinel://a/b/c",
            "redis-sentinel:///mymaster",
            "redis-cluster://a/0",
            "redis-cluster://",
            "redis-other://a",
            "http-cluster://a",
            "localhost",
            "redis-sentinel://a/mymaster?sentinel_password=two&other=three",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
