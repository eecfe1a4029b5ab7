//! What an operator should know about Redis: each problem with its remedy. The only write is that
//! of the probe, whose key goes by itself.

mod cluster;
mod examination;
mod info;
mod sentinel;
mod server;

use domain::Finding;
use secrecy::ExposeSecret;

use super::options::RedisOptions;
use super::probe::probe_key;
use super::url::Servers;
use examination::{CONNECTION, Examination};
use server::Part;

/// Looks at the connection, at how each server is set up, and whether it takes writes under this
/// prefix of keys.
pub async fn diagnose(options: RedisOptions, key_prefix: String) -> Vec<Finding> {
    let examination = Examination { options: &options };
    match Servers::parse(options.url.expose_secret()) {
        Ok(Servers::One(server)) => {
            let probe = Some(probe_key(&key_prefix));
            examination.of_server(&server, Part::Alone, probe).await
        }
        Ok(Servers::Sentinel(sentinels)) => {
            sentinel::examine(&examination, &sentinels, &key_prefix).await
        }
        Ok(Servers::Cluster(seeds)) => cluster::examine(&examination, &seeds, &key_prefix).await,
        Err(error) => vec![Finding::error(CONNECTION, error.to_string(), "correct redis.url")],
    }
}
