//! The managed `redis-server` on a disk that is full. A limit on the size of its files stands for the disk.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_test_support::Weir;

/// A folder with a `redis-server` that survives the signal by which the system tells of a file's limit.
fn program_folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("redis-server");
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|place| place.join("redis-server"));
    let real = places.find(|place| place.is_file()).unwrap();
    let script = format!("#!/bin/sh\ntrap '' XFSZ\nexec {} \"$@\"\n", real.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The process that listens in the data folder.
fn server(data: &Path) -> Pid {
    let url = format!("unix://{}", data.join("redis/redis.sock").display());
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let info: redis::InfoDict = redis::cmd("INFO").query(&mut connection).unwrap();
    Pid::from_raw(info.get("process_id").unwrap()).unwrap()
}

fn limit_files(server: Pid, bytes: Option<u64>) {
    let limits = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(server), Resource::Fsize, limits).unwrap();
}

fn append_only_bytes(data: &Path) -> u64 {
    let files: Vec<PathBuf> = std::fs::read_dir(data.join("redis/appendonlydir"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".aof"))
        .collect();
    files
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .max()
        .unwrap()
}

#[tokio::test]
async fn jobs_are_refused_while_the_disk_is_full_and_none_that_was_taken_is_lost() {
    let programs = program_folder();
    let path = format!(
        "{}:{}",
        programs.path().display(),
        std::env::var("PATH").unwrap()
    );
    let mut weir = Weir::start_with_path("schedules.top_named_entities.enabled = false\n", &path);
    weir.when("/health/ready", |ready| ready["degraded"].is_null())
        .await;
    let job = json!({"job": "post_statistics", "delay_ms": 600_000});
    assert_eq!(weir.post_json("/jobs", &job).await.status(), 202);
    let data = weir.data_dir();
    limit_files(server(&data), Some(append_only_bytes(&data) + 20_000));

    let mut taken = BTreeSet::new();
    let mut refused = 0;
    while refused < 10 {
        let answer = weir.post_json("/jobs", &job).await;
        if answer.status() == 503 {
            assert!(answer.headers().contains_key("retry-after"));
            refused += 1;
            continue;
        }
        assert_eq!(answer.status(), 202);
        assert!(taken.len() < 1_000, "the disk never became full");
        let answer: Value = answer.json().await.unwrap();
        taken.insert(answer["id"].as_str().unwrap().to_owned());
    }
    let ready: Value = weir.get("/health/ready").await.json().await.unwrap();
    let why = ready["degraded"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("cannot write to its disk"), "{ready}");

    limit_files(server(&data), None);
    weir.when("/health/ready", |ready| ready["degraded"].is_null())
        .await;
    assert_eq!(weir.post_json("/jobs", &job).await.status(), 202);
    assert!(
        !weir.log().contains("\"level\":\"ERROR\""),
        "{}",
        weir.log()
    );

    // What was taken is in the file, and so outlives the server.
    rustix::process::kill_process(server(&data), rustix::process::Signal::KILL).unwrap();
    weir.counted("redis_server", "started", 2).await;
    for id in &taken {
        weir.when(&format!("/jobs/{id}"), |job| job["id"] == **id)
            .await;
    }
    weir.stop();
}
