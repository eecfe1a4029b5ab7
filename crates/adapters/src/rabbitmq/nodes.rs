//! The nodes of a cluster, which one URL names, separated by commas:
//! `amqp://user:password@host1:5672,host2:5672/vhost`. All else of the URL holds for each of them.

use lapin::uri::AMQPUri;

/// The heartbeat interval, unless the URL sets another one.
const HEARTBEAT_SECONDS: u16 = 10;

/// The largest frame, unless the URL sets another size. A connection keeps room for 64 of them, and
/// no message has half as many bytes.
const FRAME_BYTES: u32 = 16 * 1024;

/// Why a URL names no nodes. The texts never contain it: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NodesError {
    /// Not an AMQP URL.
    #[error("the URL is not of the form amqp://user:password@host:port/vhost or amqps://…")]
    Url,
    /// A list of URLs.
    #[error(
        "it holds several URLs: give one that names all hosts, \
         amqp://user:password@host1:5672,host2:5672/vhost"
    )]
    SeveralUrls,
    /// One entry of the list is not a host: its place, counted from 1.
    #[error("host {0} of those between the commas is not of the form host or host:port")]
    Host(usize),
}

/// Where each node is, in the order of the URL; at least one.
pub(super) fn parse(url: &str) -> Result<Vec<AMQPUri>, NodesError> {
    let (scheme, rest) = url.split_once("://").ok_or(NodesError::Url)?;
    if rest.contains("://") {
        return Err(NodesError::SeveralUrls);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let node = |host: &str| node(&format!("{scheme}://{user}{host}{path}"), host);
    if !hosts.contains(',') {
        return node(hosts).map(|node| vec![node]).ok_or(NodesError::Url);
    }
    let with_place = hosts.split(',').zip(1..);
    let nodes = with_place.map(|(host, place)| {
        let is_named = !host.is_empty() && !host.starts_with(':');
        node(host).filter(|_| is_named).ok_or(NodesError::Host(place))
    });
    nodes.collect()
}

/// The node of a URL that names this host alone.
fn node(url: &str, host: &str) -> Option<AMQPUri> {
    let mut uri: AMQPUri = url.parse().ok()?;
    // lapin would take an IPv6 address for none.
    if let Some((address, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        address.clone_into(&mut uri.authority.host);
    }
    uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
    uri.query.frame_max.get_or_insert(FRAME_BYTES);
    Some(uri)
}

/// Host and port of a node.
pub(super) fn address(node: &AMQPUri) -> String {
    let (host, port) = (&node.authority.host, node.authority.port);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(url: &str) -> Vec<String> {
        parse(url).unwrap().iter().map(address).collect()
    }

    #[test]
    fn each_host_is_a_node_with_the_rest_of_the_url() {
        let url = "amqps://ada:a%2Cb%40c@one:1,two,[2001:db8::3]:3/shop?heartbeat=7";
        assert_eq!(addresses(url), ["one:1", "two:5671", "[2001:db8::3]:3"]);
        for node in parse(url).unwrap() {
            assert_eq!((node.vhost.as_str(), node.query.heartbeat), ("shop", Some(7)));
            assert_eq!(node.authority.userinfo.password, "a,b@c");
        }
        assert_eq!(addresses("amqp://one"), ["one:5672"]);
        assert_eq!(addresses("amqp://[::1]/%2f"), ["[::1]:5672"]);
    }

    #[test]
    fn a_bad_list_is_refused_with_the_place() {
        use NodesError::{Host, SeveralUrls, Url};
        for (url, error) in [
            ("amqp://one,,two/%2f", Host(2)),
            ("amqp://one,two,", Host(3)),
            ("amqp://u:p@,one", Host(1)),
            ("amqp://one,two:x", Host(2)),
            ("amqp://one,:5672", Host(2)),
            ("amqp://one/%2f,amqp://two/%2f", SeveralUrls),
            ("http://one", Url),
            ("one:5672", Url),
        ] {
            assert_eq!(parse(url).unwrap_err(), error, "{url}");
        }
    }
}
