//! Jobs, schedules and results of a real server, over HTTP.

mod records;

use std::time::{Duration, Instant};

use crate::common::jobs::Background;
use crate::common::redis::Redis;
use crate::common::weir::{PATIENCE, Weir};
use reqwest::header;
use serde_json::{Value, json};

/// No schedule but those of a test.
const STILL: &str = "schedules.top_named_entities.enabled = false\n";
/// Programs for all that a job may do.
const COMMANDS: &str = r#"
[commands.echo]
argv = ["cat"]
[commands.sleep]
argv = ["sh", "-c", "sleep 60 & echo $! >&2; wait"]
[commands.fail]
argv = ["sh", "-c", "echo no such luck >&2; exit 3"]
max_attempts = 1
"#;

fn with_redis(settings: &str) -> (Weir, Redis) {
    let redis = Redis::start();
    let weir = Weir::start(&format!(
        "results.redis_url = {:?}\n{STILL}{settings}\n{COMMANDS}",
        redis.url()
    ));
    (weir, redis)
}

/// On the embedded store, which needs no server.
fn embedded(settings: &str) -> Weir {
    Weir::start(&format!(
        "results.backend = \"embedded\"\n{STILL}{settings}\n{COMMANDS}"
    ))
}

fn command(name: &str) -> Value {
    json!({"job": "command", "args": {"command": name}})
}

#[tokio::test]
async fn a_job_runs_and_its_result_can_be_awaited() {
    let (weir, _redis) = with_redis("");
    let args = json!({"command": "echo", "args": {"text": "ü", "n": [1, 2.5, null]}});
    let taken = weir.submit(&json!({"job": "command", "args": args})).await;
    assert_eq!(taken["state"], "queued");
    let id = taken["id"].as_str().unwrap();

    let job = weir.finished(id).await;

    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["result"], args["args"]);
    assert_eq!((&job["job"], &job["args"]), (&json!("command"), &args));
    assert_eq!(job["attempts"], 1);
    for time in ["enqueued_at", "started_at", "finished_at"] {
        assert!(job[time].is_string(), "{time}: {job}");
    }
    let alone = weir.get(&format!("/jobs/{id}/result")).await;
    assert_eq!(alone.json::<Value>().await.unwrap(), args["args"]);
}

#[tokio::test]
async fn a_long_poll_wakes_on_the_end_and_not_before() {
    let (weir, _redis) = with_redis("");
    let delayed = json!({"job": "post_statistics", "delay_ms": 300});
    let taken = weir.submit(&delayed).await;
    assert_eq!(taken["state"], "scheduled");
    let path = format!("/jobs/{}", taken["id"].as_str().unwrap());

    let early: Value = weir
        .get(&format!("{path}?wait_ms=1"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(early["state"], "scheduled");
    let begun = Instant::now();
    let job: Value = weir
        .get(&format!("{path}?wait_ms=30000"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(job["state"], "succeeded");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_bad_argument_is_400_that_names_it() {
    let weir = embedded("");
    for (body, path) in [
        (
            json!({"job": "count_top_named_entities", "args": {"k": 0}}),
            "args.k",
        ),
        (
            json!({"job": "query_posts_db", "args": {"query": "DELETE FROM posts"}}),
            "args.query",
        ),
        (
            json!({"group": [{"job": "post_statistics"}, {"job": "nothing"}]}),
            "group[1].job",
        ),
    ] {
        let refused = weir.post_json("/jobs", &body).await;
        assert_eq!(refused.status(), 400);
        let error: Value = refused.json().await.unwrap();
        assert_eq!(error["error"]["path"], path);
    }
    for (query, path) in [
        ("/jobs?state=happy", "state"),
        ("/jobs?cursor=x", "cursor"),
        ("/jobs?limit=0", "limit"),
        ("/jobs?sate=dead", "sate"),
        ("/jobs/7", "id"),
        (
            "/jobs/018f0000-0000-7000-8000-000000000000?wait_ms=x",
            "wait_ms",
        ),
        (
            "/jobs/018f0000-0000-7000-8000-000000000000?wait_ms=60001",
            "wait_ms",
        ),
    ] {
        let refused = weir.get(query).await;
        assert_eq!(refused.status(), 400, "{query}");
        let error: Value = refused.json().await.unwrap();
        assert_eq!(error["error"]["path"], path);
    }
    let list: Value = weir.get("/jobs").await.json().await.unwrap();
    assert_eq!(list["jobs"], json!([]), "nothing refused is left behind");
    let unknown = "/jobs/018f0000-0000-7000-8000-000000000000";
    assert_eq!(weir.get(unknown).await.status(), 404);
    assert_eq!(weir.delete(unknown).await.status(), 404);
    assert_eq!(
        weir.post_json(&format!("{unknown}/retry"), &json!({}))
            .await
            .status(),
        404
    );
}

#[tokio::test]
async fn a_group_runs_side_by_side_and_what_follows_runs_after() {
    let weir = embedded("");
    let group = json!({"group": [
        {"job": "post_statistics"},
        {"job": "command", "args": {"command": "echo", "args": "first"}, "then":
            {"job": "command", "args": {"command": "echo", "args": "second"}, "then":
                {"job": "command", "args": {"command": "echo", "args": "third"}}}},
        {"job": "command", "args": {"command": "fail"}, "then": {"job": "post_statistics"}},
    ]});
    let taken = weir.submit(&group).await;
    let jobs = taken["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 3);
    let following = jobs[1]["then"].as_array().unwrap();
    for (id, result) in [
        (&jobs[1]["id"], "first"),
        (&following[0], "second"),
        (&following[1], "third"),
    ] {
        let job = weir.finished(id.as_str().unwrap()).await;
        assert_eq!(job["result"], result);
    }
    let failed = weir.finished(jobs[2]["id"].as_str().unwrap()).await;
    assert_eq!(failed["state"], "dead");
    let never = weir.finished(failed["then"].as_str().unwrap()).await;
    assert_eq!(
        (&never["state"], &never["follows"]),
        (&json!("cancelled"), &failed["id"])
    );
}

#[tokio::test]
async fn lists_are_by_state_and_name_page_by_page() {
    let (weir, _redis) = with_redis("");
    let group: Vec<Value> = (0..5)
        .map(|_| json!({"job": "post_statistics"}))
        .chain([json!({"job": "command", "args": {"command": "echo"}, "delay_ms": 600_000})])
        .collect();
    let taken = weir.submit(&json!({"group": group})).await;
    for job in &taken["jobs"].as_array().unwrap()[..5] {
        weir.finished(job["id"].as_str().unwrap()).await;
    }
    let list = async |query: &str| -> Value {
        weir.get(&format!("/jobs?{query}"))
            .await
            .json()
            .await
            .unwrap()
    };
    let waiting = list("state=scheduled").await;
    assert_eq!(waiting["jobs"][0]["id"], taken["jobs"][5]["id"]);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("name=post_statistics&limit=2&cursor={cursor}")).await;
        seen.extend(
            page["jobs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|job| job["id"].clone()),
        );
        assert!(
            page["jobs"]
                .as_array()
                .unwrap()
                .iter()
                .all(|job| job.get("result").is_none())
        );
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let mut ids: Vec<Value> = taken["jobs"].as_array().unwrap()[..5]
        .iter()
        .map(|job| job["id"].clone())
        .collect();
    ids.sort_by_key(ToString::to_string);
    ids.reverse();
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn an_equal_job_that_waits_is_returned_instead() {
    let weir = embedded("");
    let job = json!({"job": "post_statistics", "delay_ms": 600_000, "unique_key": "daily"});
    let first = weir.submit(&job).await;
    assert_eq!(weir.submit(&job).await["id"], first["id"]);
    let path = format!("/jobs/{}", first["id"].as_str().unwrap());
    let cancelled = weir.delete(&path).await;
    assert_eq!(cancelled.status(), 200);
    assert_eq!(weir.delete(&path).await.status(), 409);
    assert_ne!(weir.submit(&job).await["id"], first["id"]);
}

#[tokio::test]
async fn cancel_reaches_a_running_job_and_all_its_processes() {
    let (weir, _redis) = with_redis("");
    let id = weir.submit_id(&command("sleep")).await;
    let sleeper = weir.said_by_program().await;
    assert!(is_alive(&sleeper));
    let begun = Instant::now();

    let asked = weir.delete(&format!("/jobs/{id}")).await;

    assert_eq!(asked.status(), 202);
    assert_eq!(weir.finished(&id).await["state"], "cancelled");
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "sooner than a heartbeat: {:?}",
        begun.elapsed()
    );
    crate::common::jobs::eventually(|| !is_alive(&sleeper)).await;
}

#[tokio::test]
async fn a_dead_job_says_why_and_can_be_run_again() {
    let (weir, _redis) = with_redis("");
    let id = weir.submit_id(&command("fail")).await;
    let job = weir.finished(&id).await;
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("dead"), &json!(1))
    );
    let error = job["error"][0].as_str().unwrap();
    assert!(
        error.contains("exit status: 3") && error.contains("no such luck"),
        "{error}"
    );
    assert_eq!(weir.get(&format!("/jobs/{id}/result")).await.status(), 409);

    let again = weir
        .post_json(&format!("/jobs/{id}/retry"), &json!({}))
        .await;
    assert_eq!(again.status(), 202);
    assert_eq!(weir.finished(&id).await["attempts"], 1);

    let fine = weir.submit_id(&command("echo")).await;
    weir.finished(&fine).await;
    let refused = weir
        .post_json(&format!("/jobs/{fine}/retry"), &json!({}))
        .await;
    assert_eq!(refused.status(), 409);
}

/// A job that is held up the first time and goes through the second.
fn held_up_once(weir: &Weir) -> String {
    let mark = weir.data_dir().join("mark");
    format!(
        "[commands.once]\nargv = [\"sh\", \"-c\", \"if [ -e {0} ]; then echo 7; else touch {0}; sleep 60; fi\"]",
        mark.display()
    )
}

#[tokio::test]
async fn a_program_has_ended_although_what_it_left_running_has_not() {
    let weir =
        embedded("[commands.leaves]\nargv = [\"sh\", \"-c\", \"sleep 60 & echo $! >&2; echo 7\"]");
    let begun = Instant::now();
    let id = weir.submit_id(&command("leaves")).await;
    let left = weir.said_by_program().await;

    let job = weir.finished(&id).await;

    assert_eq!(job["result"], 7);
    assert!(begun.elapsed() < Duration::from_secs(30));
    crate::common::jobs::eventually(|| !is_alive(&left)).await;
}

#[tokio::test]
async fn a_killed_weir_takes_its_job_back_at_once() {
    let (mut weir, _redis) = with_redis("");
    let settings = held_up_once(&weir);
    weir.kill();
    weir.add_settings(&settings);
    weir.start_again();
    let id = weir.submit_id(&command("once")).await;
    let mark = weir.data_dir().join("mark");
    crate::common::jobs::eventually(|| mark.exists()).await;
    weir.kill();

    weir.start_again();
    let begun = Instant::now();
    let job = weir.finished(&id).await;

    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "sooner than the lease: {:?}",
        begun.elapsed()
    );
    assert_eq!(
        (&job["result"], &job["attempts"], &job["lost"]),
        (&json!(7), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn a_stopped_weir_hands_its_job_back_after_the_grace() {
    let (mut weir, _redis) = with_redis("shutdown.grace_ms = 200");
    let settings = held_up_once(&weir);
    weir.kill();
    weir.add_settings(&settings);
    weir.start_again();
    let id = weir.submit_id(&command("once")).await;
    let mark = weir.data_dir().join("mark");
    crate::common::jobs::eventually(|| mark.exists()).await;

    assert_eq!(weir.stop(), Some(0));
    weir.start_again();

    let job = weir.finished(&id).await;
    assert_eq!(
        (&job["result"], &job["attempts"], &job["lost"]),
        (&json!(7), &json!(1), &json!(0))
    );
}

#[tokio::test]
async fn a_stopping_weir_lets_a_job_finish_within_the_grace_and_ends_long_polls() {
    let (mut weir, _redis) = with_redis(
        "[commands.short]\nargv = [\"sh\", \"-c\", \"echo begun >&2; sleep 1; echo 7\"]",
    );
    let id = weir.submit_id(&command("short")).await;
    weir.said_by_program().await;
    let never = weir
        .submit_id(&json!({"job": "post_statistics", "delay_ms": 600_000}))
        .await;
    let poll = weir
        .client
        .get(weir.url(&format!("/jobs/{never}?wait_ms=60000")))
        .send();
    let poll = tokio::spawn(poll);
    weir.when("/health/live", |_| true).await;

    let begun = Instant::now();
    assert_eq!(weir.stop(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    // Sent before or after the signal, it does not hang.
    let _ = tokio::time::timeout(PATIENCE, poll).await.unwrap();

    weir.start_again();
    let job: Value = weir.get(&format!("/jobs/{id}")).await.json().await.unwrap();
    assert_eq!(
        (&job["state"], &job["lost"]),
        (&json!("succeeded"), &json!(0))
    );
}

#[tokio::test]
async fn a_schedule_fires_shows_its_state_and_runs_when_asked() {
    let (mut weir, _redis) = with_redis(
        "[schedules.often]\njob = \"post_statistics\"\nevery = \"200ms\"\n\
         [schedules.never]\njob = \"command\"\ncron = \"0 0 1 1 *\"\ntimezone = \"Asia/Tokyo\"\n\
         args = { command = \"echo\", args = 5 }",
    );
    let shown = weir
        .when("/schedules", |answer| {
            answer["schedules"][1]["last_outcome"] == "succeeded"
        })
        .await;
    let [never, often] = shown["schedules"].as_array().unwrap().as_slice() else {
        panic!("two schedules: {shown}");
    };
    assert_eq!(never["timetable"], "cron 0 0 1 1 * in Asia/Tokyo");
    assert!(
        never["next_due"]
            .as_str()
            .unwrap()
            .contains("-12-31T15:00:00"),
        "{never}"
    );
    assert!(never.get("last_job").is_none());
    assert_eq!(
        (&often["name"], &often["timetable"]),
        (&json!("often"), &json!("every 200ms"))
    );

    let run = weir.post_json("/schedules/never/run", &json!({})).await;
    assert_eq!(run.status(), 202);
    let run: Value = run.json().await.unwrap();
    let job = weir.finished(run["id"].as_str().unwrap()).await;
    assert_eq!(job["result"], 5);
    assert_eq!(
        weir.post_json("/schedules/nothing/run", &json!({}))
            .await
            .status(),
        404
    );

    weir.kill();
    weir.start_again();
    let again: Value = weir.get("/schedules").await.json().await.unwrap();
    assert_eq!(again["schedules"][0]["next_due"], never["next_due"]);
}

#[tokio::test]
async fn a_stored_result_is_answered_as_it_was_written() {
    let (weir, redis) = with_redis("");
    let key = "my_worker:scheduled:x";
    let _: () = redis::cmd("SET")
        .arg(key)
        .arg("{\"a\":  1}")
        .query(&mut redis.connection())
        .unwrap();
    let stored = weir.get(&format!("/results/{key}")).await;
    assert_eq!(stored.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(stored.text().await.unwrap(), "{\"a\":  1}");

    let args = json!({"result_key": "reports/today"});
    let id = weir
        .submit_id(&json!({"job": "count_top_named_entities", "args": args}))
        .await;
    let job = weir.finished(&id).await;
    let stored = weir.get("/results/reports/today").await;
    assert!(stored.headers().contains_key(header::LAST_MODIFIED));
    assert_eq!(stored.json::<Value>().await.unwrap(), job["result"]);
    assert_eq!(weir.get("/results/nothing").await.status(), 404);
}

#[tokio::test]
async fn while_the_store_is_away_jobs_are_503_and_those_taken_in_wait_for_it() {
    let (weir, mut redis) = with_redis("");
    let id = weir
        .submit_id(&json!({"job": "post_statistics", "delay_ms": 500}))
        .await;
    redis.kill();
    for refused in [
        weir.post_json("/jobs", &json!({"job": "post_statistics"}))
            .await,
        weir.get("/jobs").await,
        weir.get(&format!("/jobs/{id}")).await,
        weir.delete(&format!("/jobs/{id}")).await,
        weir.get("/schedules").await,
        weir.get("/results/x").await,
    ] {
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    }
    redis.start_again();
    assert_eq!(weir.finished(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn jobs_need_the_admin_key_where_there_is_one() {
    let weir = embedded("auth.admin = [\"key\"]");
    for path in ["/jobs", "/schedules", "/results/x"] {
        assert_eq!(weir.get(path).await.status(), 401, "{path}");
    }
    let job = json!({"job": "post_statistics"});
    assert_eq!(weir.post_json("/jobs", &job).await.status(), 401);
    let with_key = weir
        .client
        .post(weir.url("/jobs"))
        .bearer_auth("key")
        .json(&job);
    assert_eq!(with_key.send().await.unwrap().status(), 202);
}

fn is_alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

/// Runs the command line against `weir`; what it prints, and whether it ended well.
fn cli(weir: &Weir, arguments: &[&str]) -> (String, bool) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env("WEIR_URL", weir.url(""))
        .env("WEIR_KEY", weir.key())
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (String::from_utf8(printed).unwrap(), output.status.success())
}

#[tokio::test]
async fn the_command_line_runs_lists_cancels_and_retries_jobs() {
    let weir = embedded(
        "[schedules.yearly]\njob = \"command\"\ncron = \"@yearly\"\nargs = { command = \"echo\", args = 1 }",
    );
    let echo = "{\"command\": \"echo\", \"args\": [7]}";
    let (printed, well) = cli(&weir, &["job", "run", "command", "--args", echo, "--wait"]);
    assert_eq!(
        (serde_json::from_str(&printed).ok(), well),
        (Some(json!([7])), true)
    );

    let fail = "{\"command\": \"fail\"}";
    let (printed, well) = cli(&weir, &["job", "run", "command", "--args", fail, "--wait"]);
    assert!(!well && printed.contains("no such luck"), "{printed}");
    let (dead, _) = cli(&weir, &["job", "list", "--state", "dead"]);
    let id = dead.split(' ').next().unwrap();
    assert_eq!(dead.lines().count(), 1, "{dead}");
    let (printed, well) = cli(&weir, &["job", "retry", id]);
    assert!(well && printed.contains("queued"), "{printed}");
    weir.finished(id).await;

    let (waiting, _) = cli(
        &weir,
        &["job", "run", "post_statistics", "--delay-ms", "600000"],
    );
    let (printed, well) = cli(&weir, &["job", "cancel", waiting.trim()]);
    assert!(well && printed.contains("cancelled"), "{printed}");
    let (printed, _) = cli(&weir, &["job", "show", waiting.trim()]);
    let shown: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(shown["state"], "cancelled");
    let (printed, well) = cli(
        &weir,
        &["job", "run", "prune_posts", "--args", "{\"older_than\": 3}"],
    );
    assert!(!well && printed.contains("args.older_than"), "{printed}");

    let (printed, _) = cli(&weir, &["schedule", "list"]);
    assert!(
        printed.starts_with("yearly  command  cron 0 0 1 1 * in UTC"),
        "{printed}"
    );
    let (printed, well) = cli(&weir, &["schedule", "run", "yearly", "--wait"]);
    assert_eq!((printed.trim(), well), ("1", true));

    let (printed, well) = cli(&weir, &["demo"]);
    assert!(
        well && printed.matches("from its key").count() == 3,
        "{printed}"
    );
    assert!(printed.contains("{\"total_rows\":0}"), "{printed}");
    let (printed, well) = cli(&weir, &["job", "list", "--url", "http://127.0.0.1:1"]);
    assert!(!well && printed.contains("no weir answers"), "{printed}");
}

#[tokio::test]
async fn edited_schedules_and_workers_take_effect_without_a_restart() {
    let weir = embedded("");
    let shown: Value = weir.get("/schedules").await.json().await.unwrap();
    assert_eq!(shown["schedules"], json!([]));
    weir.add_settings(
        "[pools]\njobs = { workers = 3 }\n[schedules.new]\njob = \"post_statistics\"\nevery = \"1h\"",
    );
    weir.when("/schedules", |answer| {
        answer["schedules"][0]["last_outcome"] == "succeeded"
    })
    .await;
    let three = |answer: &Value| {
        let actors = answer["actors"].as_array().unwrap();
        let is_worker = |actor: &&Value| actor["name"].as_str().unwrap().starts_with("job_worker");
        actors.iter().filter(is_worker).count() == 3
    };
    weir.when("/actors", three).await;
}
