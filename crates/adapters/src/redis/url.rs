//! The forms of a Redis URL: one server, the primary that Sentinel names, or a cluster. Several
//! hosts are separated by commas, as in `MongoDB`'s and PostgreSQL's URLs.

use redis::{ConnectionInfo, IntoConnectionInfo};

use super::options::RedisOptionsError;

/// Where a Sentinel listens that nobody told otherwise.
const SENTINEL_PORT: u16 = 26379;
/// Where a server listens that nobody told otherwise.
const SERVER_PORT: u16 = 6379;

/// Where the servers are.
#[derive(Clone)]
pub(super) enum Servers {
    One(ConnectionInfo),
    /// A cluster, by some of its nodes.
    Cluster(Vec<ConnectionInfo>),
    Sentinel(Sentinels),
}

/// Who names the primary, and how to speak to it.
#[derive(Clone)]
pub(super) struct Sentinels {
    /// At least one.
    pub(super) addresses: Vec<ConnectionInfo>,
    pub(super) service: String,
    /// Everything about the primary but its address.
    pub(super) primary: ConnectionInfo,
}

/// The parts of a URL with several hosts.
struct Parts<'a> {
    scheme: &'a str,
    /// User and password, up to and including the `@`.
    credentials: &'a str,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

impl Servers {
    pub(super) fn parse(url: &str) -> Result<Self, RedisOptionsError> {
        let (scheme, rest) = url.split_once("://").ok_or(RedisOptionsError::Form)?;
        match scheme.split_once('+') {
            Some((scheme, "cluster")) => parse_cluster(&Parts::split(scheme, rest)),
            Some((scheme, "sentinel")) => parse_sentinel(&Parts::split(scheme, rest)),
            _ => parse_one(url).map(Self::One),
        }
    }
}

impl<'a> Parts<'a> {
    fn split(scheme: &'a str, rest: &'a str) -> Self {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Self { scheme, credentials, hosts, path, query }
    }

    /// Each host as a server of its own.
    fn servers(
        &self,
        credentials: &str,
        path: &str,
        port: u16,
    ) -> Result<Vec<ConnectionInfo>, RedisOptionsError> {
        let scheme = self.scheme;
        let hosts = self.hosts.split(',').map(|host| with_port(host, port));
        hosts.map(|host| parse_one(&format!("{scheme}://{credentials}{host}/{path}"))).collect()
    }
}

/// The host with its port. An address of IPv6 is in brackets and has colons of its own.
fn with_port(host: &str, port: u16) -> String {
    let has_port = host.rfind(':') > host.rfind(']');
    if has_port { host.to_owned() } else { format!("{host}:{port}") }
}

fn parse_one(url: &str) -> Result<ConnectionInfo, RedisOptionsError> {
    url.into_connection_info().map_err(|_| RedisOptionsError::Form)
}

fn parse_cluster(parts: &Parts<'_>) -> Result<Servers, RedisOptionsError> {
    if !matches!(parts.path, "" | "0") {
        return Err(RedisOptionsError::ClusterDatabase);
    }
    if !parts.query.is_empty() {
        return Err(RedisOptionsError::UnknownParameter);
    }
    Ok(Servers::Cluster(parts.servers(parts.credentials, "", SERVER_PORT)?))
}

fn parse_sentinel(parts: &Parts<'_>) -> Result<Servers, RedisOptionsError> {
    let (service, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    if service.is_empty() {
        return Err(RedisOptionsError::NoService);
    }
    let (mut user, mut password) = ("", "");
    for parameter in parts.query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sentinel_username", value)) => user = value,
            Some(("sentinel_password", value)) => password = value,
            _ => return Err(RedisOptionsError::UnknownParameter),
        }
    }
    let has_credentials = !(user.is_empty() && password.is_empty());
    let own = if has_credentials { format!("{user}:{password}@") } else { String::new() };
    let primaries = parts.servers(parts.credentials, database, SENTINEL_PORT)?;
    Ok(Servers::Sentinel(Sentinels {
        addresses: parts.servers(&own, "", SENTINEL_PORT)?,
        service: service.to_owned(),
        primary: primaries.into_iter().next().ok_or(RedisOptionsError::Form)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Servers {
        Servers::parse(url).unwrap()
    }

    /// Address, user, password and database.
    fn told(server: &ConnectionInfo) -> String {
        let redis = server.redis_settings();
        let user = redis.username().unwrap_or_default();
        let password = redis.password().unwrap_or_default();
        format!("{} {user} {password} {}", server.addr(), redis.db())
    }

    #[test]
    fn a_cluster_has_many_nodes_with_one_password() {
        let Servers::Cluster(nodes) =
            parse("rediss+cluster://me:p%40ss@a:7000,b,[::1]:7002,[::2]/")
        else {
            panic!("not a cluster")
        };
        let nodes: Vec<_> = nodes.iter().map(told).collect();
        let ports = ["a:7000", "b:6379", "::1:7002", "::2:6379"];
        assert_eq!(nodes, ports.map(|address| format!("{address} me p@ss 0")));
    }

    #[test]
    fn sentinels_have_a_password_of_their_own() {
        let Servers::Sentinel(sentinels) = parse(
            "redis+sentinel://:secret@a,b:5000/main/3?sentinel_username=me&sentinel_password=s%26p",
        ) else {
            panic!("no Sentinels")
        };
        let addresses: Vec<_> = sentinels.addresses.iter().map(told).collect();
        assert_eq!(addresses, ["a:26379 me s&p 0", "b:5000 me s&p 0"]);
        assert_eq!(sentinels.service, "main");
        assert_eq!(told(&sentinels.primary), "a:26379  secret 3");
        let Servers::Sentinel(open) = parse("valkey+sentinel://a/main") else {
            panic!("no Sentinels")
        };
        assert_eq!(told(&open.addresses[0]), "a:26379   0");
    }

    #[test]
    fn one_server_is_what_it_was() {
        let Servers::One(server) = parse("redis://me:secret@cache:6380/2") else {
            panic!("not one server")
        };
        assert_eq!(told(&server), "cache:6380 me secret 2");
    }

    #[test]
    fn a_wrong_url_is_refused_in_one_sentence() {
        for (url, said) in [
            ("redis+sentinel://a:1", "names no service"),
            ("redis+sentinel:///main", "not of the form"),
            ("redis+sentinel://a,/main", "not of the form"),
            ("redis+sentinel://a/main?password=1", "not known"),
            ("redis+cluster://a/2", "names a database"),
            ("redis+cluster://a/?x=1", "not known"),
            ("redis+cluster://a:port", "not of the form"),
            ("http+cluster://a:1", "not of the form"),
            ("redis+ring://a:1", "not of the form"),
            ("a:1", "not of the form"),
        ] {
            let refusal = Servers::parse(url).err().expect(url).to_string();
            assert!(refusal.contains(said) && !refusal.contains(". "), "{url}: {refusal}");
        }
    }
}
