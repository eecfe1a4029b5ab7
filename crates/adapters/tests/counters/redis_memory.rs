//! That the memory of the deployment's Redis lasts for the load that README promises, with clients
//! among it that use up their limits around the clock.

use std::time::Duration;

use adapters::redis::{RedisBudget, RedisCodeStore, RedisRateLimiter};
use domain::CodeIssue;
use domain::ports::{Allowance, Budget, BudgetKey, BudgetKind, LimitKey, Quota, RateLimiter};
use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use test_support::{free_port, unique_name};

use crate::redis_server::{Server, until_available};
use crate::{connect_to, open, user_id};

const COMPOSE: &str = include_str!("../../../../compose.yaml");
const DEFAULTS: &str = include_str!("../../../settings/src/defaults.toml");
const README: &str = include_str!("../../../../README.md");

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

/// What README promises.
const REGISTRATIONS_PER_DAY: u64 = 50_000;
const GREEDY_IPV4_CLIENTS: u64 = 10;
const GREEDY_IPV6_SITES: u64 = 1;
/// How many times the limit of one client an IPv6 /48 has.
const SHARE_OF_A_SITE: u64 = 16;
/// How many registrations are measured.
const SAMPLE: u64 = 5_000;

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_the_memory_of_the_deployment_lasts_for_the_documented_load() {
    let server = Server::start(free_port());
    let before = used_memory(&server).await;
    register_on(&server, SAMPLE).await;
    let bytes_each = (used_memory(&server).await - before) / SAMPLE;
    let greedy =
        (GREEDY_IPV4_CLIENTS + GREEDY_IPV6_SITES * SHARE_OF_A_SITE) * claims_per_day_of_a_client();
    let needed = before + bytes_each * (REGISTRATIONS_PER_DAY + greedy);
    let limit = memory_limit();
    println!("{bytes_each} bytes each, {} of {} MB", needed >> 20, limit >> 20);
    // A tenth is left for connections, buffers and the rewriting of the append-only file.
    assert!(needed + limit / 10 <= limit, "{needed} bytes are needed, of {limit}");
    let promise = "50,000 registrations per day, with ten IPv4 addresses and one IPv6 /48";
    assert!(
        README.replace('\n', " ").contains(promise),
        "README does not say for what load the memory lasts"
    );
}

/// Everything that is kept for a day of one registration: claimed, its code asked for once more,
/// guessed five times.
async fn register_on(server: &Server, registrations: u64) {
    let connection = connect_to(&server.url());
    let prefix = "registration";
    let codes = RedisCodeStore::new(connection.clone(), prefix);
    until_available(&codes).await;
    let budget = RedisBudget::new(connection.clone(), prefix);
    let limiter = RedisRateLimiter::new(connection, prefix);
    let register = async || {
        let name = unique_name();
        let issue = CodeIssue { user_id: user_id(), number: 2 };
        open(&codes, issue, Duration::from_mins(1), 5).await;
        for (kind, count) in
            [(BudgetKind::Guesses, 5), (BudgetKind::Mails, 2), (BudgetKind::MailsOfNetwork, 2)]
        {
            for _ in 0..count {
                let key = BudgetKey { kind, subject: name.clone() };
                budget.spend(&key, &[Allowance { amount: 20, period: DAY }]).await.unwrap();
            }
        }
        // The limits of requests are forgotten sooner; one stands for what is left of them.
        let quota = Quota { burst: 60, period: 60 * HOUR };
        limiter.check(&LimitKey::new("register-address", &name), quota).await.unwrap();
    };
    for _ in 0..registrations / 100 {
        join_all((0..100).map(|_| register())).await;
    }
}

async fn used_memory(server: &Server) -> u64 {
    let client = redis::Client::open(server.url()).unwrap();
    let connect = async || client.get_multiplexed_async_connection().await.ok();
    let mut connection: MultiplexedConnection =
        test_support::eventually("the server to answer", connect).await;
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    used.trim().parse().unwrap()
}

/// `--maxmemory` of the service `redis`.
fn memory_limit() -> u64 {
    let (_, limit) = COMPOSE.split_once("--maxmemory ").unwrap();
    let (megabytes, _) = limit.split_once("mb").unwrap();
    megabytes.parse::<u64>().unwrap() << 20
}

/// A burst, and as many again every hour.
fn claims_per_day_of_a_client() -> u64 {
    let line =
        DEFAULTS.lines().find_map(|line| line.strip_prefix("register_per_client = ")).unwrap();
    let (burst, period) = line.trim_matches('"').split_once('/').unwrap();
    assert_eq!(period, "1h");
    burst.parse::<u64>().unwrap() * (1 + 24)
}
