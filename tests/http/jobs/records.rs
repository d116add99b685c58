//! What is told of jobs: of those that follow others, and of those whose records are broken.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use redis::Commands;
use serde_json::{Value, json};
use weir::queue::{JobQueue, NewJob, QueueLimits};
use weir::settings::StoreConfig;
use weir::store::{Instance, Store, StoreLocation};
use weir_test_support::{Redis, Weir};

use super::{PROGRAMS, STILL, embedded, program, with_redis};

/// Every id of an answer is found, from the answer on.
async fn every_id_is_found(weir: &Weir, taken: &Value) -> Vec<String> {
    let mut ids = vec![taken["id"].clone()];
    ids.extend(taken["then"].as_array().unwrap().iter().cloned());
    let ids: Vec<String> = ids
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    for id in &ids {
        assert_eq!(weir.get(&format!("/jobs/{id}")).await.status(), 200);
    }
    ids
}

async fn states(weir: &Weir, ids: &[String]) -> Vec<Value> {
    let mut states = Vec::new();
    for id in ids {
        states.push(weir.finished(id).await["state"].clone());
    }
    states
}

async fn follow_ups_are_found_however_their_predecessor_ends(weir: &Weir) {
    let keyed = |then: Value| {
        let mut job = json!({"job": "post_statistics", "unique_key": "k"});
        if !then.is_null() {
            job["then"] = then;
        }
        job
    };
    let taken = weir.submit(&keyed(keyed(keyed(Value::Null)))).await;
    let ids = every_id_is_found(weir, &taken).await;
    assert_eq!(states(weir, &ids).await, ["succeeded"; 3]);

    let holder = json!({"job": "post_statistics", "unique_key": "k", "delay_ms": 600_000});
    let holder = weir.submit_id(&holder).await;
    let taken = weir
        .submit(
            &json!({"job": "post_statistics", "then": keyed(json!({"job": "post_statistics"}))}),
        )
        .await;
    let ids = every_id_is_found(weir, &taken).await;
    assert_eq!(states(weir, &ids).await, ["succeeded", "dead", "cancelled"]);
    let dead = weir.finished(&ids[1]).await;
    assert!(
        dead["error"][0].as_str().unwrap().contains(&holder),
        "{dead}"
    );

    let mut fails = program("fail");
    fails["then"] = json!({"job": "post_statistics"});
    let group = weir
        .submit(&json!({"group": [fails, keyed(Value::Null)]}))
        .await;
    let ids = every_id_is_found(weir, &group["jobs"][0]).await;
    assert_eq!(states(weir, &ids).await, ["dead", "cancelled"]);
    assert_eq!(group["jobs"][1]["id"], holder);
}

#[tokio::test]
async fn on_redis_follow_ups_are_found_however_their_predecessor_ends() {
    let (weir, _redis) = with_redis("");
    follow_ups_are_found_however_their_predecessor_ends(&weir).await;
}

#[tokio::test]
async fn on_the_embedded_store_follow_ups_are_found_however_their_predecessor_ends() {
    follow_ups_are_found_however_their_predecessor_ends(&embedded("")).await;
}

#[tokio::test]
async fn an_unreadable_record_is_named_and_the_other_jobs_are_listed() {
    let (weir, redis) = with_redis("");
    let good = weir.submit_id(&program("echo")).await;
    let job = weir.finished(&good).await;
    assert!(job["instance"].as_str().unwrap().contains('-'), "{job}");
    let broken = weir.submit_id(&program("echo")).await;
    weir.finished(&broken).await;
    let key = format!("weir:job:{broken}");
    let mut redis = redis.connection();
    let _: () = redis.hset(&key, "args", "{").unwrap();
    for _ in 0..2 {
        let page: Value = weir.get("/jobs").await.json().await.unwrap();
        assert_eq!(page["jobs"][0]["id"], good, "{page}");
        assert_eq!(page["unreadable"][0]["id"], broken, "{page}");
        // A record of another type altogether.
        let _: () = redis.del(&key).unwrap();
        let _: () = redis.set(&key, "garbage").unwrap();
    }
}

/// A store on this server, with keys as a Weir has them by default.
fn store_on(redis: &Redis) -> Store {
    let url = redis.url().as_str().into();
    Store::open(
        &StoreConfig::default(),
        &StoreLocation::ExternalRedis { url },
    )
    .unwrap()
}

#[tokio::test]
async fn a_job_that_an_earlier_version_queued_as_command_runs_as_program() {
    let redis = Redis::start();
    let queue = JobQueue::new(&store_on(&redis), QueueLimits::default());
    let job = NewJob::new("command", json!({"command": "echo", "args": {"n": 7}}));
    let id = job.id.to_string();
    queue.enqueue(job).await.unwrap();

    let weir = Weir::start(&format!(
        "store.redis_url = {:?}\n{STILL}{PROGRAMS}",
        redis.url()
    ));

    let record = weir.finished(&id).await;
    assert_eq!(record["state"], "succeeded");
    assert_eq!(record["result"], json!({"n": 7}));
}

#[tokio::test]
async fn a_schedule_of_command_goes_on_where_the_earlier_version_left_it() {
    let redis = Redis::start();
    let schedules = JobQueue::new(&store_on(&redis), QueueLimits::default()).schedules();
    let due = Utc::now() + TimeDelta::hours(5);
    schedules
        .plan("nightly", "command every 1day", due)
        .await
        .unwrap();

    let weir = Weir::start(&format!(
        "store.redis_url = {:?}\n{STILL}{PROGRAMS}[schedules.nightly]\njob = \"program\"\nevery = \"1d\"\nargs = {{ program = \"echo\" }}\n",
        redis.url()
    ));

    let due = due.timestamp_millis();
    weir.when("/schedules", |list| {
        let nightly = &list["schedules"][0];
        let next = nightly["next_due"].as_str().unwrap();
        next.parse::<DateTime<Utc>>().unwrap().timestamp_millis() == due
            && nightly["job"] == "program"
    })
    .await;
}

#[tokio::test]
async fn a_job_that_no_running_instance_can_run_waits_and_is_shown() {
    let redis = Redis::start();
    let store = store_on(&redis);
    let queue = JobQueue::new(&store, QueueLimits::default());
    let other = Instance {
        id: "other".into(),
        name: "other-1".into(),
        scrapers: 0,
        jobs: BTreeSet::from(["theirs".to_owned()]),
    };
    store.announce(&other).await.unwrap();
    let (unknown, theirs) = (
        NewJob::new("mine.topics", json!({})),
        NewJob::new("theirs", json!({})),
    );
    for job in [&unknown, &unknown, &theirs] {
        queue.enqueue(job.clone()).await.unwrap();
    }
    let weir = Weir::start(&format!(
        "store.redis_url = {:?}\n{STILL}{PROGRAMS}[schedules.topics]\njob = \"echo.topics\"\nevery = \"1d\"\n",
        redis.url()
    ));

    let reported = |ready: &Value, part: &str| {
        let issues = ready["degraded"].as_array().into_iter().flatten();
        let why = |issue: &Value| issue["why"].as_str().unwrap().to_owned();
        issues.filter(|issue| issue["part"] == part).map(why).next()
    };
    let ready = weir
        .when("/health/ready", |ready| {
            ["unknown jobs", "schedule topics"]
                .iter()
                .all(|part| reported(ready, part).is_some())
        })
        .await;
    let why = reported(&ready, "unknown jobs").unwrap();
    assert!(why.ends_with(": mine.topics (1)"), "{why}");
    let why = reported(&ready, "schedule topics").unwrap();
    assert!(why.contains("echo.topics"), "{why}");

    let list: Value = weir.get("/jobs?state=queued").await.json().await.unwrap();
    for job in list["jobs"].as_array().unwrap() {
        let is_unknown = job["job"] == "mine.topics";
        assert_eq!(
            job["unknown_job"],
            json!(is_unknown.then_some(true)),
            "{job}"
        );
        assert_eq!(job["state"], "queued");
    }
    let shown: Value = weir
        .get(&format!("/jobs/{}", unknown.id))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(shown["unknown_job"], true);
    let list: Value = weir.get("/schedules").await.json().await.unwrap();
    assert_eq!(list["schedules"][0]["unknown_job"], true);
    assert!(list["schedules"][0].get("last_job").is_none(), "{list}");

    let refused = weir
        .post_json("/jobs", &json!({"job": "mine.topics"}))
        .await;
    assert_eq!(refused.status(), 400);
    let refused = weir.post_json("/schedules/topics/run", &json!({})).await;
    assert_eq!(refused.status(), 409);
}
