//! The embedded store on a disk that is full. A limit on the size of files stands for the disk.

use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};
use weir_test_support::Weir;

const SETTINGS: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n\
    [programs.echo]\nmode = \"once\"\nargv = [\"cat\"]\n";

/// Limits the files of a process to `bytes` from now on.
fn limit_files(weir: &Weir, bytes: Option<u64>) {
    let pid = Pid::from_raw(weir.pid().cast_signed());
    let limits = Rlimit {
        current: bytes,
        maximum: getrlimit(Resource::Fsize).maximum,
    };
    prlimit(pid, Resource::Fsize, limits).unwrap();
}

/// The length of the longer of the database and its log.
fn longest_file(data: &Path) -> u64 {
    let length = |name| data.join(name).metadata().map_or(0, |file| file.len());
    length("results.db").max(length("results.db-wal"))
}

fn reports_the_store(ready: &Value) -> bool {
    let issues = ready["degraded"].as_array();
    issues.is_some_and(|issues| issues.iter().any(|issue| issue["part"] == "store"))
}

/// A job that waits and takes some pages.
fn job() -> Value {
    let text = "x".repeat(20_000);
    json!({"job": "program", "args": {"program": "echo", "args": {"text": text}}, "delay_ms": 600_000})
}

#[tokio::test]
async fn jobs_taken_around_a_file_size_limit_exist() {
    let mut weir = Weir::start(SETTINGS);
    let mut taken = vec![weir.submit_id(&job()).await];
    for _ in 0..2 {
        limit_files(&weir, Some(longest_file(&weir.data_dir()) + 300_000));
        let mut refused = 0;
        while refused < 10 {
            let answer = weir.post_json("/jobs", &job()).await;
            let status = answer.status().as_u16();
            match status {
                202 => {
                    let answer: Value = answer.json().await.unwrap();
                    taken.push(answer["id"].as_str().unwrap().to_owned());
                }
                503 => refused += 1,
                _ => panic!("answered {status}\n{}", weir.log()),
            }
        }
        let ready = weir.when("/health/ready", reports_the_store).await;
        assert_eq!(ready["status"], "ready");

        limit_files(&weir, None);
        weir.when("/health/ready", |ready| !reports_the_store(ready))
            .await;
        for _ in 0..10 {
            taken.push(weir.submit_id(&job()).await);
        }
    }
    weir.kill();
    weir.start_again();
    for id in &taken {
        let answer = weir.get(&format!("/jobs/{id}")).await;
        assert_eq!(answer.status(), 200, "{id} of {}", taken.len());
    }
    let log = weir.log();
    assert!(!log.contains("\"ERROR\""), "{log}");
}
