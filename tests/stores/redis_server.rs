//! The managed `redis-server`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use redis::Commands;
use serde_json::json;
use tempfile::TempDir;
use weir::{
    redis_server::{
        RedisServer, RedisServerError, RedisServerOptions, redis_server_on_path, socket_path,
    },
    settings::{Durability, StoreConfig},
    store::{Store, StoreLocation},
};

const MINUTE: Duration = Duration::from_mins(1);

fn options(folder: &Path) -> RedisServerOptions {
    let folder = folder.join("redis");
    RedisServerOptions {
        program: redis_server_on_path().expect("these tests need the package `redis-server`"),
        socket: socket_path(&folder).unwrap(),
        folder,
        durability: Durability::Second,
    }
}

fn results(options: &RedisServerOptions) -> Store {
    let location = StoreLocation::ManagedRedis {
        program: options.program.clone(),
        socket: options.socket.clone(),
    };
    Store::open(&StoreConfig::default(), &location).unwrap()
}

fn connection(options: &RedisServerOptions) -> redis::Connection {
    let url = format!("unix://{}", options.socket.display());
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

fn run_id(options: &RedisServerOptions) -> String {
    let info: redis::InfoDict = redis::cmd("INFO").query(&mut connection(options)).unwrap();
    info.get("run_id").unwrap()
}

fn setting(options: &RedisServerOptions, name: &str) -> String {
    let pair: (String, String) = redis::cmd("CONFIG")
        .arg("GET")
        .arg(name)
        .query(&mut connection(options))
        .unwrap();
    pair.1
}

#[tokio::test]
async fn a_killed_server_starts_again_with_its_data_and_the_same_handle_goes_on() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let mut server = RedisServer::start_or_adopt(options.clone()).await.unwrap();
    let results = results(&options);
    results.put("report", &json!("kept"), MINUTE).await.unwrap();
    // Every second is every second: this crash is of the process, not of the host.
    let exit = server.kill().await.unwrap();
    assert!(!exit.status.unwrap().success());
    assert!(results.get("report").await.unwrap_err().is_unavailable());

    let mut server = RedisServer::start_or_adopt(options).await.unwrap();

    assert_eq!(
        results.get("report").await.unwrap().unwrap().bytes(),
        b"\"kept\""
    );
    server.shut_down().await.unwrap();
}

#[tokio::test]
async fn a_shut_down_server_leaves_its_data_and_its_log_in_the_folder() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let mut server = RedisServer::start_or_adopt(options.clone()).await.unwrap();
    results(&options)
        .put("report", &json!("kept"), MINUTE)
        .await
        .unwrap();

    let exit = server.shut_down().await.unwrap();

    assert!(exit.status.unwrap().success(), "{exit}");
    let log = std::fs::read_to_string(options.log()).unwrap();
    assert!(log.contains("User requested shutdown"), "{log}");
    let mut server = RedisServer::start_or_adopt(options.clone()).await.unwrap();
    assert!(results(&options).get("report").await.unwrap().is_some());
    server.shut_down().await.unwrap();
}

#[tokio::test]
async fn the_exit_of_a_server_that_somebody_else_ends_is_noticed() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let mut server = RedisServer::start_or_adopt(options.clone()).await.unwrap();
    let still_there = tokio::time::timeout(Duration::from_millis(50), server.exited()).await;
    assert!(still_there.is_err());

    let _: redis::RedisResult<()> = redis::cmd("SHUTDOWN").query(&mut connection(&options));

    server.exited().await.unwrap();
}

#[tokio::test]
async fn a_live_server_is_adopted_and_takes_the_new_durability() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let first = RedisServer::start_or_adopt(options.clone()).await.unwrap();
    let first_run = run_id(&options);
    assert_eq!(setting(&options, "appendfsync"), "everysec");
    drop(first);

    let durable = RedisServerOptions {
        durability: Durability::Disk,
        ..options.clone()
    };
    let mut second = RedisServer::start_or_adopt(durable).await.unwrap();

    assert_eq!(run_id(&options), first_run);
    assert_eq!(second.pid(), None);
    assert_eq!(setting(&options, "appendfsync"), "always");
    let still_there = tokio::time::timeout(Duration::from_millis(50), second.exited()).await;
    assert!(still_there.is_err());
    second.shut_down().await.unwrap();
    // Gone for good: the next is a new one.
    let mut third = RedisServer::start_or_adopt(options.clone()).await.unwrap();
    assert_ne!(run_id(&options), first_run);
    third.shut_down().await.unwrap();
}

/// The part of the next test that is killed: run by name in a process of its own, nothing by itself.
#[tokio::test]
async fn orphaning_process() {
    let Some(folder) = std::env::var_os("WEIR_TEST_ORPHAN_IN").map(PathBuf::from) else {
        return;
    };
    let options = options(&folder);
    let _server = RedisServer::start_or_adopt(options.clone()).await.unwrap();
    results(&options)
        .put("report", &json!("acknowledged"), MINUTE)
        .await
        .unwrap();
    std::fs::write(folder.join("ready"), run_id(&options)).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn the_server_of_a_process_that_was_killed_is_adopted_with_all_it_acknowledged() {
    let folder = TempDir::new().unwrap();
    let mut doomed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "redis_server::orphaning_process"])
        .env("WEIR_TEST_ORPHAN_IN", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ready = folder.path().join("ready");
    while std::fs::read_to_string(&ready)
        .unwrap_or_default()
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    doomed.kill().unwrap();
    doomed.wait().unwrap();
    let options = options(folder.path());

    let mut server = RedisServer::start_or_adopt(options.clone()).await.unwrap();

    assert_eq!(run_id(&options), std::fs::read_to_string(&ready).unwrap());
    let stored = results(&options).get("report").await.unwrap().unwrap();
    assert_eq!(stored.bytes(), b"\"acknowledged\"");
    server.shut_down().await.unwrap();
}

#[tokio::test]
async fn starts_at_once_end_up_with_one_server() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let starts = (0..4).map(|_| RedisServer::start_or_adopt(options.clone()));

    let mut servers = futures_util::future::try_join_all(starts).await.unwrap();

    let children = servers
        .iter()
        .filter(|server| server.pid().is_some())
        .count();
    assert_eq!(children, 1);
    servers[0].shut_down().await.unwrap();
}

#[tokio::test]
async fn another_server_on_the_socket_is_not_adopted() {
    let (ours, theirs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let options = options(ours.path());
    let mut foreign = RedisServer::start_or_adopt(RedisServerOptions {
        folder: theirs.path().join("redis"),
        ..make_folder(&options)
    })
    .await
    .unwrap();
    // Somebody holds our files, and somebody else our socket.
    let lock = std::fs::File::create(options.folder.join("redis-server.lock")).unwrap();
    lock.lock().unwrap();

    let refusal = RedisServer::start_or_adopt(options).await.unwrap_err();

    assert!(
        matches!(refusal, RedisServerError::Foreign { .. }),
        "{refusal}"
    );
    foreign.shut_down().await.unwrap();
}

fn make_folder(options: &RedisServerOptions) -> RedisServerOptions {
    std::fs::create_dir_all(&options.folder).unwrap();
    options.clone()
}

#[tokio::test]
async fn a_server_that_cannot_start_names_its_log() {
    let folder = TempDir::new().unwrap();
    let options = make_folder(&options(folder.path()));
    // A folder where the append-only files should go.
    std::fs::write(options.folder.join("appendonlydir"), "in the way").unwrap();

    let error = RedisServer::start_or_adopt(options.clone())
        .await
        .unwrap_err();

    assert!(
        matches!(&error, RedisServerError::Died { log, .. } if log.exists()),
        "{error}"
    );
}

#[tokio::test]
async fn a_deep_data_folder_with_spaces_works() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("a b").join("d".repeat(120));
    let options = options(&deep);
    assert!(!options.socket.starts_with(&deep));

    let mut server = RedisServer::start_or_adopt(options.clone()).await.unwrap();

    assert_eq!(Path::new(&setting(&options, "dir")), options.folder);
    let () = connection(&options).set("k", "v").unwrap();
    server.shut_down().await.unwrap();
    std::fs::remove_dir_all(options.socket.parent().unwrap()).unwrap();
}
