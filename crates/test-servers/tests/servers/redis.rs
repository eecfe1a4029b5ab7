//! A private Redis.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use test_servers::{Interrupt, Redis, Storage};

/// A client of one connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(redis: &Redis) -> Self {
        Self(BufReader::new(TcpStream::connect(("127.0.0.1", redis.server.port())).unwrap()))
    }

    /// The first line of the answer.
    fn ask(&mut self, command: &str) -> String {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.0.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }
}

fn ask(redis: &Redis, command: &str) -> String {
    Client::connect(redis).ask(command)
}

fn nowhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

#[test]
fn a_server_is_broken_in_many_ways_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(folder.path(), Storage::Durable).unwrap();
    redis.server.wait_until_ready(&Interrupt::never()).unwrap();

    what_was_written_outlives_a_kill(&mut redis);
    a_frozen_server_answers_when_it_is_thawed(&redis);
    a_restart_keeps_everything(&mut redis);
    without_memory_writes_are_refused(&redis);
    a_replica_refuses_writes(&redis);
    an_emptied_server_has_nothing(&redis);
    clients_and_memory_are_counted(&redis);
    an_error_is_told(&mut redis);
}

fn what_was_written_outlives_a_kill(redis: &mut Redis) {
    assert_eq!(ask(redis, "SET key kept"), "+OK");
    redis.server.kill();
    assert!(redis.server.check().is_err());
    redis.server.start_again().unwrap();
    redis.server.wait_until_ready(&Interrupt::never()).unwrap();
    assert_eq!(ask(redis, "EXISTS key"), ":1");
}

fn a_frozen_server_answers_when_it_is_thawed(redis: &Redis) {
    let mut client = Client::connect(redis);
    redis.server.freeze();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", redis.server.pid().unwrap()));
    assert!(stat.unwrap().contains(") T "));
    client.0.get_mut().write_all(b"PING\r\n").unwrap();
    client.0.get_mut().set_nonblocking(true).unwrap();
    let error = client.0.fill_buf().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    client.0.get_mut().set_nonblocking(false).unwrap();
    redis.server.thaw();
    let mut answer = String::new();
    client.0.read_line(&mut answer).unwrap();
    assert_eq!(answer, "+PONG\r\n");
}

fn a_restart_keeps_everything(redis: &mut Redis) {
    let pid = redis.server.pid();
    redis.server.restart(&Interrupt::never()).unwrap();
    assert_ne!(redis.server.pid(), pid);
    assert_eq!(ask(redis, "EXISTS key"), ":1");
}

fn without_memory_writes_are_refused(redis: &Redis) {
    redis.take_memory().unwrap();
    assert!(ask(redis, "SET other value").starts_with("-OOM"));
    assert_eq!(ask(redis, "EXISTS key"), ":1");
    redis.give_memory_back().unwrap();
    assert_eq!(ask(redis, "SET other value"), "+OK");
}

fn a_replica_refuses_writes(redis: &Redis) {
    redis.become_replica_of(nowhere()).unwrap();
    assert!(ask(redis, "SET other value").starts_with("-READONLY"));
    redis.become_primary().unwrap();
    assert_eq!(ask(redis, "SET other value"), "+OK");
    assert_eq!(ask(redis, "EXISTS key"), ":1");
}

fn an_emptied_server_has_nothing(redis: &Redis) {
    redis.empty().unwrap();
    assert_eq!(ask(redis, "DBSIZE"), ":0");
    assert_eq!(ask(redis, "SET key kept"), "+OK");
}

fn clients_and_memory_are_counted(redis: &Redis) {
    let wait_for = |count| while redis.connections().unwrap() != count {};
    wait_for(0);
    let mut clients = [Client::connect(redis), Client::connect(redis)];
    wait_for(2);
    let before = redis.memory().unwrap();
    assert_eq!(clients[0].ask("SETRANGE large 1000000 x"), ":1000001");
    assert!(redis.memory().unwrap() > before + 900_000);
    drop(clients);
    wait_for(0);
    let usage = redis.server.usage();
    assert!(usage.threads > 0 && usage.descriptors > 3 && usage.memory > 1_000_000, "{usage:?}");
}

fn an_error_is_told(redis: &mut Redis) {
    assert_eq!(ask(redis, "CONFIG SET requirepass secret"), "+OK");
    let error = redis.empty().unwrap_err().to_string();
    assert!(error.contains("FLUSHALL` failed: NOAUTH"), "{error}");
    redis.server.stop();
    assert!(redis.empty().unwrap_err().to_string().contains("Connection refused"));
}

#[test]
fn servers_run_side_by_side() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut servers =
        folders.each_ref().map(|folder| Redis::start(folder.path(), Storage::Disposable).unwrap());
    for redis in &mut servers {
        redis.server.wait_until_ready(&Interrupt::never()).unwrap();
    }
    let [one, other] = &servers;
    assert_eq!((ask(one, "SET key value"), ask(other, "EXISTS key")), ("+OK".into(), ":0".into()));
    let address = SocketAddr::from(([127, 0, 0, 1], one.server.port()));
    other.become_replica_of(address).unwrap();
    while ask(other, "EXISTS key") != ":1" {}
    let pids = servers.each_ref().map(|redis| redis.server.pid().unwrap());
    drop(servers);
    assert!(pids.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists()));
}
