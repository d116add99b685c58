//! A master that is demoted while Weir is connected to it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use weir::store::StoreError;
use weir_test_support::Redis;

use super::watched::{Watched, eventually};
use crate::common::stores::sees;

const MINUTE: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// An address that means one server or another, as a name in DNS does.
struct Address {
    folder: TempDir,
}

impl Address {
    fn pointing_to(redis: &Redis) -> Self {
        let address = Self {
            folder: TempDir::new().unwrap(),
        };
        address.point_to(redis);
        address
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    fn url(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    fn point_to(&self, redis: &Redis) {
        let new = self.folder.path().join("new");
        symlink(socket(redis.folder()), &new).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }
}

/// Two servers, the address of the first and a store that is connected to it.
struct Failover {
    old: Redis,
    new: Redis,
    address: Address,
    watched: Watched,
}

impl Failover {
    async fn start() -> Self {
        let (old, new) = (Redis::start(), Redis::start());
        let address = Address::pointing_to(&old);
        let watched = Watched::open(&address.url());
        watched.recovers().await;
        Self {
            old,
            new,
            address,
            watched,
        }
    }
}

async fn put(watched: &Watched) -> Result<(), StoreError> {
    watched.store.put("report", &json!("new"), MINUTE).await
}

fn demote(redis: &Redis) {
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("redis.sock")
}

fn holds(redis: &Redis, key: &str) -> bool {
    redis.run(&["EXISTS", key]).unwrap() == redis::Value::Int(1)
}

#[tokio::test]
async fn a_demoted_primary_is_left_for_the_server_at_the_address() {
    let Failover {
        old,
        new,
        address,
        watched,
    } = Failover::start().await;
    // Connected long enough for a connection to be replaced.
    tokio::time::sleep(Duration::from_millis(600)).await;

    demote(&old);
    address.point_to(&new);

    // The first write finds out and reaches the new master: nobody sees a failure.
    watched.store.put("after", &json!(1), MINUTE).await.unwrap();
    assert!(holds(&new, "weir:result:after"));
    assert_eq!(watched.condition("store"), None);
}

#[tokio::test]
async fn a_slow_failover_is_one_outage() {
    let Failover {
        old,
        new,
        address,
        watched,
    } = Failover::start().await;
    let mut since = watched.store.unavailable_since();

    demote(&old);
    watched.refuses("read-only").await;
    since.borrow_and_update();
    for _ in 0..40 {
        // Reads go on, which is no recovery.
        watched.store.get("report").await.unwrap();
        assert!(put(&watched).await.is_err());
        assert!(watched.condition("store").unwrap().contains("read-only"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!since.has_changed().unwrap(), "one outage");

    address.point_to(&new);
    watched.recovers().await;
    assert!(holds(&new, "weir:result:report"));
    assert!(since.borrow_and_update().is_none());
}

#[tokio::test]
async fn announcements_follow_to_the_new_primary() {
    let Failover {
        old,
        new,
        address,
        watched,
    } = Failover::start().await;
    let other = Watched::open(&address.url());
    let subscribers = |redis: &Redis| {
        let counts = redis.run(&["PUBSUB", "NUMSUB", "weir:changed"]).unwrap();
        let (_, count): (String, i64) = redis::from_redis_value(counts).unwrap();
        count
    };
    eventually("both subscribe", || async { subscribers(&old) == 2 }).await;

    // Messages go nowhere from here: what is published on the new master does not come by.
    demote(&old);
    address.point_to(&new);
    watched.recovers().await;
    other.recovers().await;

    eventually("both subscribe to the new master", || async {
        subscribers(&new) == 2 && subscribers(&old) == 0
    })
    .await;
    let mut value = other.store.watch("report").unwrap();
    put(&watched).await.unwrap();
    sees(PATIENCE, &mut value, |stored| {
        stored
            .as_ref()
            .is_some_and(|stored| stored.bytes() == b"\"new\"")
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_no_longer_answers_is_replaced() {
    let Failover {
        old,
        new,
        address,
        watched,
    } = Failover::start().await;

    // A host that vanished: its end of the connection stays open and silent.
    let stopped = Stopped::new(old.pid());
    address.point_to(&new);
    assert!(put(&watched).await.is_err());

    put(&watched).await.unwrap();
    drop(stopped);
}

/// A process that is stopped until this is dropped.
struct Stopped(rustix::process::Pid);

impl Stopped {
    fn new(pid: u32) -> Self {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(self.0, rustix::process::Signal::CONT);
    }
}
