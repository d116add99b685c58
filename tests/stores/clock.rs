//! A clock that is moved while Weir runs, and while it does not.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Utc};
use redis::Commands;
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_test_support::{Redis, Weir};

const SCHEDULES: &str = r#"
store.backend = "embedded"
schedules.top_named_entities.enabled = false
[schedules.interval]
job = "post_statistics"
every = "1s"
[schedules.cron]
job = "post_statistics"
cron = "* * * * * *"
timezone = "Europe/Berlin"
[programs.slow]
mode = "once"
argv = ["sh", "-c", "sleep 4; echo 1"]
[programs.fails_once]
mode = "once"
argv = ["sh", "-c", "test -e failed && echo 1 && exit; touch failed; exit 1"]
"#;

/// A clock for Weir, by the library of the program `faketime`.
struct Clock {
    folder: TempDir,
}

impl Clock {
    fn new() -> Self {
        let clock = Self {
            folder: TempDir::new().unwrap(),
        };
        clock.set("+0");
        clock
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Sets the clock to so much before or after the true time, such as `-1h`.
    fn set(&self, offset: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{offset}\n")).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    fn start_weir(&self) -> Weir {
        let variables = [
            ("LD_PRELOAD", library()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let variables = variables
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        Weir::start_with_environment(SCHEDULES, &variables)
    }
}

fn library() -> String {
    let found = fs::read_dir("/usr/lib")
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketimeMT.so.1")))
        .find(|file| Path::exists(file));
    let found = found.expect("these tests need the package `faketime` (Debian, Ubuntu)");
    found.display().to_string()
}

/// Waits until both schedules have fired again for a later or earlier time than before.
async fn schedules_go_on(weir: &Weir) {
    let last_jobs = |answer: &Value| {
        let schedules = answer["schedules"].as_array().unwrap();
        let jobs = schedules
            .iter()
            .map(|schedule| schedule["last_job"].clone());
        jobs.collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let before = last_jobs(&weir.get("/schedules").await.json().await.unwrap());
        weir.when("/schedules", |answer| {
            let now = last_jobs(answer);
            now.iter().zip(&before).all(|(now, before)| now != before)
        })
        .await;
    }
}

async fn ready_says(weir: &Weir, what: &str) {
    weir.when("/health/ready", |answer| {
        let issues = answer["degraded"].as_array().into_iter().flatten();
        issues
            .into_iter()
            .any(|issue| issue["part"] == "clock" && issue["why"].as_str().unwrap().contains(what))
    })
    .await;
}

#[tokio::test]
async fn schedules_go_on_when_the_clock_is_moved_and_ready_says_so() {
    let clock = Clock::new();
    let weir = clock.start_weir();
    schedules_go_on(&weir).await;
    for (offset, direction) in [
        ("-20s", "back by"),
        ("-2h", "back by"),
        ("-300d", "back by"),
        ("+1h", "forward by"),
        ("+300d", "forward by"),
        ("-10d", "back by"),
    ] {
        clock.set(offset);
        schedules_go_on(&weir).await;
        ready_says(&weir, direction).await;
    }
}

#[tokio::test]
async fn schedules_go_on_when_the_server_starts_after_the_clock_was_moved() {
    let clock = Clock::new();
    clock.set("+300d");
    let mut weir = clock.start_weir();
    schedules_go_on(&weir).await;
    for offset in ["+290d", "+289d", "-300d"] {
        weir.kill();
        clock.set(offset);
        weir.start_again();
        schedules_go_on(&weir).await;
        ready_says(&weir, "back by").await;
    }
}

/// No test can set the clock of Redis: it finds the state that a clock set back leaves.
#[tokio::test]
async fn on_redis_schedules_go_on_although_they_are_due_in_a_year() {
    let redis = Redis::start();
    let store = format!("store.redis_url = {:?}\n", redis.url());
    let mut weir = Weir::start(&SCHEDULES.replace("store.backend = \"embedded\"\n", &store));
    schedules_go_on(&weir).await;
    let in_a_year = || {
        let due = (Utc::now() + TimeDelta::days(365)).timestamp_millis();
        for name in ["interval", "cron"] {
            let key = format!("weir:schedule:{name}");
            let _: () = redis.connection().hset(key, "next_due", due).unwrap();
        }
    };
    in_a_year();
    schedules_go_on(&weir).await;
    ready_says(&weir, "back by").await;
    weir.kill();
    in_a_year();
    weir.start_again();
    schedules_go_on(&weir).await;
    ready_says(&weir, "back by").await;
}

#[tokio::test]
async fn delayed_jobs_and_retries_wait_no_longer_although_the_clock_is_set_back() {
    let clock = Clock::new();
    let mut weir = clock.start_weir();
    let post_statistics = |delay_ms: u64| json!({"job": "post_statistics", "delay_ms": delay_ms});
    let delayed = weir.submit_id(&post_statistics(4_000)).await;
    let retried = weir
        .submit_id(&json!({"job": "program", "args": {"program": "fails_once"}}))
        .await;
    clock.set("-10h");
    for id in [delayed, retried] {
        assert_eq!(weir.finished(&id).await["state"], "succeeded");
    }

    let delayed = weir.submit_id(&post_statistics(3_000)).await;
    weir.kill();
    clock.set("-3d");
    weir.start_again();
    assert_eq!(weir.finished(&delayed).await["state"], "succeeded");
}

#[tokio::test]
async fn a_run_keeps_its_lease_when_the_clock_is_set_forward() {
    let clock = Clock::new();
    let weir = clock.start_weir();
    let id = weir
        .submit_id(&json!({"job": "program", "args": {"program": "slow"}}))
        .await;
    weir.when(&format!("/jobs/{id}"), |job| job["state"] == "running")
        .await;
    // The workers have looked at the queue by the clock as it was.
    schedules_go_on(&weir).await;
    clock.set("+1d");
    let job = weir.finished(&id).await;
    assert_eq!(
        (&job["state"], &job["attempts"], &job["lost"]),
        (&json!("succeeded"), &json!(1), &json!(0))
    );
}
