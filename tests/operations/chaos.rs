//! Two Weirs on one Redis and one Postgres, while all of them are killed and started again: nothing acknowledged is lost.
//!
//! Takes 10 s; `make chaos` sets `WEIR_CHAOS_S=60`, with twenty kills of a Weir, three of Redis and two of Postgres.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;
use weir_test_support::{Postgres, Redis, Weir};

/// A run appends its job and its token to the ledger, and answers the token. The tests' Postgres puts commits off, which a
/// ledger must not.
const SETTINGS: &str = r#"
store.durability = "disk"
schedules.top_named_entities.enabled = false
database.connect_timeout = "1s"
[jobs]
lease = "1s"
[pools]
jobs = { workers = 3 }
[programs.append]
mode = "once"
argv = ["sh", "-c", '''PGOPTIONS="-c synchronous_commit=on" psql -qX "$WEIR_DATABASE_URL" -c "INSERT INTO ledger VALUES ('$WEIR_JOB_ID', $WEIR_FENCING_TOKEN)" && echo $WEIR_FENCING_TOKEN''']
max_attempts = 100
[schedules.tick]
job = "program"
every = "500ms"
args = { program = "append" }
"#;
const TICK_MS: u64 = 500;
/// How long everything may take to come to rest.
const REST: Duration = Duration::from_secs(90);

struct Plan {
    time: Duration,
    weir_kills: u32,
    redis_kills: u32,
    postgres_kills: u32,
}

impl Plan {
    fn of_environment() -> Self {
        let seconds = std::env::var("WEIR_CHAOS_S")
            .ok()
            .and_then(|text| text.parse().ok());
        match seconds {
            None => Self {
                time: Duration::from_secs(10),
                weir_kills: 4,
                redis_kills: 1,
                postgres_kills: 1,
            },
            Some(seconds) => Self {
                time: Duration::from_secs(seconds),
                weir_kills: 20,
                redis_kills: 3,
                postgres_kills: 2,
            },
        }
    }

    /// The steps after which one of `kills` is due.
    fn steps(&self, kills: u32) -> BTreeSet<u32> {
        (1..=kills)
            .map(|nth| nth * self.weir_kills / (kills + 1))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_while_everything_is_killed() {
    let plan = Plan::of_environment();
    let mut redis = Redis::start();
    let postgres = Postgres::start();
    let url = postgres.fresh_database();
    let ledger = Database::connect(&url).await.unwrap();
    ledger
        .execute_unprepared("CREATE TABLE ledger (job text, token bigint)")
        .await
        .unwrap();
    let start = |port: u16| {
        Weir::start(&format!(
            "server.bind = \"127.0.0.1:{port}\"\ndatabase.url = {url:?}\nstore.redis_url = {:?}\n{SETTINGS}",
            redis.url()
        ))
    };
    let ports = [free_port(), free_port()];
    let (mut killed, stalled) = (start(ports[0]), start(ports[1]));

    let stop = Arc::new(AtomicBool::new(false));
    let mut submitters = JoinSet::new();
    for weir in [&killed, &stalled] {
        let jobs = weir
            .client
            .post(weir.url("/jobs"))
            .timeout(Duration::from_secs(3));
        submitters.spawn(submit(jobs, Arc::clone(&stop)));
    }
    let (redis_steps, postgres_steps) = (
        plan.steps(plan.redis_kills),
        plan.steps(plan.postgres_kills),
    );
    for step in 0..plan.weir_kills {
        sleep(plan.time / plan.weir_kills).await;
        block_in_place(|| {
            killed.kill();
            if redis_steps.contains(&step) {
                redis.kill();
                std::thread::sleep(Duration::from_millis(200));
                redis.start_again();
            }
            if postgres_steps.contains(&step) {
                postgres.crash();
                std::thread::sleep(Duration::from_millis(200));
                postgres.start_again();
            }
            killed.start_again();
        });
        // Long enough for its leases to run out: what it then has to say comes too late.
        if step % 4 == 1 {
            signal(&stalled, "STOP");
            sleep(Duration::from_millis(1_500)).await;
            signal(&stalled, "CONT");
        }
    }
    stop.store(true, Ordering::SeqCst);
    let acknowledged: Vec<String> = submitters.join_all().await.into_iter().flatten().collect();
    assert!(acknowledged.len() > 20, "only {} jobs", acknowledged.len());

    let jobs = at_rest(&stalled, &acknowledged).await;
    let entries = entries(&ledger_again(&url, ledger).await).await;
    for job in &jobs {
        let id = job["id"].as_str().unwrap();
        assert_eq!(job["state"], "succeeded", "{job}");
        let newest = entries.get(id).and_then(|tokens| tokens.last());
        assert_eq!(
            job["result"].as_i64().as_ref(),
            newest,
            "the result is the last run's: {job}"
        );
    }
    let ticks = check_ticks(&killed).await;
    let again: usize = entries.values().map(|tokens| tokens.len() - 1).sum();
    let overtaken = stalled.counters("job_queue").await["overtaken"].clone();
    println!(
        "{} jobs acknowledged, all succeeded; {again} runs again; {overtaken} overtaken; {ticks} due times fired once",
        jobs.len()
    );
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn signal(weir: &Weir, signal: &str) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), weir.pid().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Submits jobs until `stop`, and answers the ids of those that were acknowledged.
async fn submit(jobs: RequestBuilder, stop: Arc<AtomicBool>) -> Vec<String> {
    let jobs = jobs.json(&json!({"job": "program", "args": {"program": "append"}}));
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(100)).await;
        let request = jobs.try_clone().unwrap();
        let Ok(answer) = request.send().await else {
            continue;
        };
        if answer.status() == 202
            && let Ok(taken) = answer.json::<Value>().await
        {
            acknowledged.push(taken["id"].as_str().unwrap().to_owned());
        }
    }
    acknowledged
}

/// Waits until every job has finished.
async fn at_rest(weir: &Weir, ids: &[String]) -> Vec<Value> {
    let deadline = Instant::now() + REST;
    let mut jobs = Vec::new();
    for id in ids {
        loop {
            let answer = weir.get(&format!("/jobs/{id}?wait_ms=2000")).await;
            let status = answer.status();
            let job: Value = answer.json().await.unwrap();
            assert_ne!(status, 404, "a job that was acknowledged is gone");
            if job.get("finished_at").is_some() {
                jobs.push(job);
                break;
            }
            assert!(Instant::now() < deadline, "does not finish: {job}");
        }
    }
    jobs
}

/// The connection may have died with its server.
async fn ledger_again(url: &str, old: DatabaseConnection) -> DatabaseConnection {
    drop(old);
    Database::connect(url).await.unwrap()
}

/// The tokens of each job's runs, ascending.
async fn entries(ledger: &DatabaseConnection) -> BTreeMap<String, Vec<i64>> {
    let select = "SELECT job, token FROM ledger ORDER BY token";
    let statement = sea_orm::Statement::from_string(ledger.get_database_backend(), select);
    let mut entries = BTreeMap::<String, Vec<i64>>::new();
    for row in ledger.query_all_raw(statement).await.unwrap() {
        let (job, token) = (
            row.try_get_by_index(0).unwrap(),
            row.try_get_by_index(1).unwrap(),
        );
        entries.entry(job).or_default().push(token);
    }
    entries
}

/// Each due time of the schedule has one job, on the schedule's row of times; answers how many.
async fn check_ticks(weir: &Weir) -> usize {
    let mut due_ms = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Value = weir
            .get(&format!("/jobs?name=program&limit=1000&cursor={cursor}"))
            .await
            .json()
            .await
            .unwrap();
        for job in page["jobs"].as_array().unwrap() {
            if job["schedule"] == "tick" {
                let id: uuid::Uuid = job["id"].as_str().unwrap().parse().unwrap();
                let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
                due_ms.push(seconds * 1_000 + u64::from(nanos) / 1_000_000);
                let dead = job["state"] == "dead" || job["state"] == "cancelled";
                assert!(!dead, "{job}");
            }
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    due_ms.sort_unstable();
    for pair in due_ms.windows(2) {
        let apart = pair[1] - pair[0];
        assert!(apart > 0 && apart % TICK_MS == 0, "{apart} ms apart");
    }
    assert!(due_ms.len() > 5, "only {} ticks", due_ms.len());
    due_ms.len()
}
