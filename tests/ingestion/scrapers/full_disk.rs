//! Ingestion while the disk of a SQLite database has no room, and afterwards.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::FallocateFlags;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const POSTS: u64 = 20;

/// A batch of some 40 KB.
fn batch(number: u64) -> Value {
    let item = |nth: u64| {
        let id = number * POSTS + nth;
        json!({"id": id, "id_str": id.to_string(), "rawContent": "x".repeat(2_000), "lang": "en"})
    };
    json!({
        "success": true, "task_id": "full_disk", "timestamp": "2026-11-20T10:00:00",
        "data": {"content_items": (0..POSTS).map(item).collect::<Vec<_>>()}, "error": null,
    })
}

/// Hands in batch after batch, and keeps what was acknowledged.
#[derive(Default)]
struct Sender {
    next: u64,
    acknowledged: Vec<u64>,
}

impl Sender {
    /// The status of the answer to the next batch.
    async fn send(&mut self, weir: &Weir) -> u16 {
        self.next += 1;
        let status = hand_in(weir, &batch(self.next)).await.status().as_u16();
        if status == 200 {
            self.acknowledged.push(self.next);
        }
        status
    }

    /// Sends until `refusals` batches were refused, each of them with 503.
    async fn send_until_refused(&mut self, weir: &Weir, refusals: usize) {
        let mut refused = 0;
        while refused < refusals {
            match self.send(weir).await {
                200 => {}
                503 => refused += 1,
                other => panic!("answered {other}\n{}", weir.log()),
            }
        }
    }

    async fn assert_all_stored(&self, database: &Database) {
        let rows = stored(database).await;
        let ids: HashSet<&str> = rows.iter().map(|row| row.post_id.as_str()).collect();
        let is_stored = |number: &u64| {
            (0..POSTS).all(|nth| ids.contains((number * POSTS + nth).to_string().as_str()))
        };
        let lost: Vec<_> = self
            .acknowledged
            .iter()
            .filter(|it| !is_stored(it))
            .collect();
        assert!(lost.is_empty(), "lost {lost:?} of {:?}", self.acknowledged);
    }
}

fn reports_the_database(ready: &Value) -> bool {
    let issues = ready["degraded"].as_array();
    issues.is_some_and(|issues| issues.iter().any(|issue| issue["part"] == "database"))
}

/// Fills the disk twice, and makes room twice.
async fn fill_and_make_room(weir: &Weir, database: &Path, fill: impl Fn(), make_room: impl Fn()) {
    hand_in_until_taken(weir, &batch(0)).await;
    let mut sender = Sender::default();
    for _ in 0..2 {
        fill();
        sender.send_until_refused(weir, 12).await;
        let ready = weir.when("/health/ready", reports_the_database).await;
        assert_eq!(ready["status"], "ready");
        sender.send_until_refused(weir, 1).await;

        make_room();
        for _ in 0..20 {
            assert_eq!(sender.send(weir).await, 200);
        }
        weir.when("/health/ready", |ready| !reports_the_database(ready))
            .await;
    }
    let url = format!("sqlite://{}", database.display());
    let database = Database::connect(&DatabaseSettings::with_url(url))
        .await
        .unwrap();
    sender.assert_all_stored(&database).await;
    let log = weir.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("a store is unavailable"));
    assert!((1..=2).contains(&lines.count()), "{log}");
    assert!(!log.contains("\"ERROR\""), "{log}");
}

#[tokio::test]
async fn batches_acknowledged_around_a_file_size_limit_are_stored() {
    let weir = weir("");
    let pid = Pid::from_raw(weir.pid().cast_signed());
    let limit = |bytes| {
        let maximum = getrlimit(Resource::Fsize).maximum;
        let current = bytes;
        prlimit(pid, Resource::Fsize, Rlimit { current, maximum }).unwrap();
    };
    let database = weir.database_file();
    let length = || fs::metadata(&database).unwrap().len();
    let fill = || limit(Some(length() + 1_000_000));
    fill_and_make_room(&weir, &database, fill, || limit(None)).await;
}

#[tokio::test]
async fn batches_acknowledged_around_a_full_disk_are_stored() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let database = disk.0.path().join("weir.db");
    let url = format!("sqlite://{}", database.display());
    let weir = weir(&format!("database.url = {url:?}"));
    fill_and_make_room(&weir, &database, || disk.fill(500_000), || disk.make_room()).await;
}

#[tokio::test]
async fn a_start_on_a_full_disk_serves_and_stores_once_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let database = disk.0.path().join("weir.db");
    disk.fill(0);
    let weir = weir(&format!(
        "database.url = {:?}",
        format!("sqlite://{}", database.display())
    ));
    let ready = weir.when("/health/ready", reports_the_database).await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(hand_in(&weir, &batch(0)).await.status(), 503);

    disk.make_room();
    hand_in_until_taken(&weir, &batch(0)).await;
    weir.when("/health/ready", |ready| !reports_the_database(ready))
        .await;
}

/// A file system of its own in memory, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, said aloud, without the right to mount.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(folder.path())
            .output();
        if mount.is_ok_and(|done| done.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: no right to mount a file system");
        None
    }

    /// Leaves so many bytes.
    fn fill(&self, left: u64) {
        let disk = rustix::fs::statvfs(self.0.path()).unwrap();
        let ballast = File::create(self.ballast()).unwrap();
        let length = disk.f_bavail * disk.f_frsize - left;
        rustix::fs::fallocate(ballast, FallocateFlags::empty(), 0, length).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
