//! A real server in each state in which it answers but does not do what it is asked.

use std::fs;
use std::time::Duration;

use serde_json::json;
use weir::outage::ErrorClass;
use weir::store::StoreError;
use weir_test_support::Redis;

use super::watched::Watched;

const MINUTE: Duration = Duration::from_mins(1);

/// Puts a server into a state by commands, and out of it by others.
async fn a_state(enter: &[&[&str]], condition: &str, leave: &[&[&str]]) {
    let redis = Redis::start();
    let watched = Watched::open(&redis.url());
    watched.recovers().await;
    for command in enter {
        redis.command(command);
    }
    watched.comes_to_refuse(condition).await;
    for command in leave {
        redis.command(command);
    }
    watched.recovers().await;
}

#[tokio::test]
async fn too_little_memory_passes() {
    // Nothing is there whose deletion would let a script write.
    let enter: &[&[&str]] = &[&["FLUSHALL"], &["CONFIG", "SET", "maxmemory", "1"]];
    let redis = Redis::start();
    let watched = Watched::open(&redis.url());
    for command in enter {
        redis.command(command);
    }
    let shared = watched
        .store
        .put("my_worker:report", &json!(1), MINUTE)
        .await;
    let job = watched.enqueue().await;
    for refusal in [shared, job] {
        let class = unavailable(refusal);
        assert!(class.condition.contains("out of memory"), "{class:?}");
        assert!(!class.reconnect);
    }
    let said = watched.condition("store").unwrap();
    assert!(said.contains("out of memory"), "{said}");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    watched.recovers().await;
}

#[tokio::test]
async fn too_few_replicas_pass() {
    a_state(
        &[&["CONFIG", "SET", "min-replicas-to-write", "1"]],
        "too few replicas",
        &[&["CONFIG", "SET", "min-replicas-to-write", "0"]],
    )
    .await;
}

#[tokio::test]
async fn a_server_that_becomes_a_replica_is_read_only() {
    a_state(
        &[&["REPLICAOF", "127.0.0.1", "1"]],
        "read-only",
        &[&["REPLICAOF", "NO", "ONE"]],
    )
    .await;
}

#[tokio::test]
async fn a_replica_without_its_primary_is_a_temporary_error() {
    a_state(
        &[
            &["CONFIG", "SET", "replica-serve-stale-data", "no"],
            &["REPLICAOF", "127.0.0.1", "1"],
        ],
        "a replica that has lost its master",
        &[&["REPLICAOF", "NO", "ONE"]],
    )
    .await;
}

#[tokio::test]
async fn a_failed_snapshot_is_a_temporary_error() {
    let redis = Redis::start_with(&["--enable-protected-configs", "yes"]);
    let watched = Watched::open(&redis.url());
    watched.recovers().await;
    let folder = redis.folder().join("snapshots");
    fs::create_dir(&folder).unwrap();
    redis.command(&["CONFIG", "SET", "dir", folder.to_str().unwrap()]);
    redis.command(&["CONFIG", "SET", "save", "3600 100000"]);
    fs::remove_dir(&folder).unwrap();
    redis.command(&["BGSAVE"]);

    watched.comes_to_refuse("cannot write to its disk").await;

    redis.command(&["CONFIG", "SET", "save", ""]);
    watched.recovers().await;
}

#[tokio::test]
async fn an_endless_script_is_a_temporary_error() {
    let redis = Redis::start_with(&["--busy-reply-threshold", "10"]);
    let watched = Watched::open(&redis.url());
    watched.recovers().await;
    let mut connection = redis.connection();
    let script = std::thread::spawn(move || {
        let ended: redis::RedisResult<()> = redis::cmd("EVAL")
            .arg("while true do end")
            .arg(0)
            .query(&mut connection);
        ended
    });

    watched.comes_to_refuse("busy with a long script").await;

    redis.command(&["SCRIPT", "KILL"]);
    assert!(script.join().unwrap().is_err());
    watched.recovers().await;
}

#[tokio::test]
async fn a_server_that_loads_its_data_is_a_temporary_error() {
    let mut redis = Redis::start();
    let watched = Watched::open(&redis.url());
    watched.recovers().await;
    let mut fill = redis::pipe();
    for number in 0..30_000 {
        fill.set(format!("key{number}"), "x".repeat(100)).ignore();
    }
    fill.query::<()>(&mut redis.connection()).unwrap();
    redis.kill();
    redis.add_arguments(&["--key-load-delay", "100"]);
    redis.begin_start();

    watched.comes_to_refuse("loads its data").await;

    watched.recovers().await;
}

#[tokio::test]
async fn a_password_that_is_asked_for_is_named() {
    let redis = Redis::start();
    let watched = Watched::open(&redis.url());
    watched.recovers().await;
    redis.command(&["CONFIG", "SET", "requirepass", "hunter2"]);
    // Those that are connected stay logged in.
    let mut own = redis::Client::open(format!("{}?pass=hunter2", redis.url()))
        .unwrap()
        .get_connection()
        .unwrap();
    let kill = |connection: &mut redis::Connection| {
        let mut kill = redis::cmd("CLIENT");
        let killed: i64 = kill
            .arg(&["KILL", "SKIPME", "yes"])
            .query(connection)
            .unwrap();
        assert!(killed > 0);
    };
    kill(&mut own);

    watched.comes_to_refuse("lacks the password").await;

    let reset: () = redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", ""])
        .query(&mut own)
        .unwrap();
    let () = reset;
    watched.recovers().await;
}

#[tokio::test]
async fn a_wrong_password_a_wrong_user_and_a_wrong_database_are_named() {
    let redis = Redis::start();
    redis.command(&[
        "ACL", "SETUSER", "weir", "on", ">secret", "~*", "&*", "+@all",
    ]);
    redis.command(&["CONFIG", "SET", "requirepass", "secret"]);
    for (parameters, condition) in [
        ("user=weir&pass=hunter2", "wrong user or password"),
        ("user=nobody&pass=secret", "wrong user or password"),
        ("pass=hunter2", "wrong user or password"),
        ("pass=secret&db=99", "no database of the number"),
    ] {
        let watched = Watched::open(&format!("{}?{parameters}", redis.url()));
        watched.refuses(condition).await;
    }
    let watched = Watched::open(&format!("{}?user=weir&pass=secret&db=3", redis.url()));
    watched.recovers().await;
}

#[tokio::test]
async fn a_password_for_a_server_that_has_none_is_named() {
    let redis = Redis::start();
    let watched = Watched::open(&format!("{}?pass=secret", redis.url()));
    watched.refuses("wrong user or password").await;
}

#[tokio::test]
async fn too_many_clients_pass() {
    let redis = Redis::start();
    let mut own = redis.connection();
    let configure = |connection: &mut redis::Connection, clients: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg(&["SET", "maxclients", clients])
            .query::<()>(connection)
            .unwrap();
    };
    configure(&mut own, "1");
    let watched = Watched::open(&redis.url());
    watched.refuses("too many clients").await;
    configure(&mut own, "100");
    watched.recovers().await;
}

#[tokio::test]
async fn a_command_that_was_disabled_is_named() {
    let redis = Redis::start_with(&["--rename-command", "EVALSHA", ""]);
    let watched = Watched::open(&redis.url());
    let refused = unavailable(watched.store.put("report", &json!("hunter2"), MINUTE).await);
    assert!(
        refused.condition.contains("does not know a command"),
        "{refused:?}"
    );
    let Err(error) = watched.store.put("report", &json!("hunter2"), MINUTE).await else {
        panic!("taken");
    };
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_of_another_protocol_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client, answer).await;
        }
    });
    Watched::open(&url)
        .refuses("does not speak the protocol")
        .await;
}

#[tokio::test]
async fn a_cluster_without_slots_is_a_temporary_error() {
    let redis = Redis::start_with(&["--cluster-enabled", "yes", "--port", "0"]);
    let watched = Watched::open(&redis.url());
    watched.refuses("Redis Cluster is down").await;
    redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    watched.recovers().await;
}

#[tokio::test]
async fn data_of_another_type_is_a_fault_and_no_outage() {
    let redis = Redis::start();
    let watched = Watched::open(&redis.url());
    redis.command(&["SET", "weir:jobs:queued", "text"]);
    let refused = watched.enqueue().await;
    assert!(
        matches!(&refused, Err(StoreError::Refused { condition, .. }) if condition.contains("another type")),
        "{refused:?}"
    );
    assert_eq!(watched.condition("store"), None);
}

fn unavailable(outcome: Result<(), StoreError>) -> ErrorClass {
    match outcome {
        Err(StoreError::Unavailable { class, .. }) => class,
        other => panic!("{other:?}"),
    }
}
