//! Jobs in Python, from the file to the result.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_test_support::{PATIENCE, Weir};

const JOBS: &str = r#"
import time, weir

@weir.job(retries=1)
def topics(n: int = 3) -> dict:
    weir.progress(n, n)
    return {"topics": ["t"] * n}

@weir.job(retries=1)
def broken() -> None:
    raise KeyError("a secret")

attempts = []

@weir.job(retries=1)
def later() -> int:
    attempts.append(None)
    if len(attempts) == 1:
        raise weir.Retry(after=3)
    return len(attempts)

@weir.job
def database() -> str:
    import os
    return os.environ["WEIR_DATABASE_URL"]

@weir.job
def long() -> str:
    while not weir.cancelled():
        time.sleep(0.02)
    return "never"
"#;

fn start(code: &str, more: &str) -> (Weir, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.py");
    fs::write(&file, code).unwrap();
    let file = file.display();
    let settings = format!(
        "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n{more}\n\
         [programs.mine]\npython = \"{file}\"\n"
    );
    let relative = [("WEIR__DATABASE__URL", "sqlite://relative.db")];
    (Weir::start_with_environment(&settings, &relative), folder)
}

#[tokio::test]
async fn a_python_function_is_a_source_of_posts() {
    let code = r#"
import weir

@weir.source
def board(url: str, cursor=None):
    first = (cursor or 0) + 1
    for number in range(first, first + 2):
        yield {
            "id": f"board:{number}", "platform": "reddit", "url": f"{url}/{number}", "text": f"post {number}", "type": "post",
            "author_name_hash": "a", "created_at": "2026-11-29T00:00:00Z", "embedded_urls": [],
            "engagements": {"upvote": 1, "downvote": 0, "comment": 0, "award": 0},
        }
    return first + 1
"#;
    let scraper = "[scrapers.board]\nsource = \"mine.board\"\nevery = \"1s\"\nargs = { url = \"https://example.org\" }";
    let (weir, _folder) = start(code, scraper);
    let has_fetched = |scrapers: &Value| {
        let all = scrapers["scrapers"].as_array().unwrap();
        all.iter().any(|it| it["items"].as_u64() >= Some(4))
    };
    weir.when("/v1/scrapers", has_fetched).await;
}

/// Enqueues a job once its program has announced it, and returns its id.
async fn enqueue(weir: &Weir, job: &Value) -> String {
    let begun = Instant::now();
    loop {
        let response = weir.post("/v1/jobs", job.to_string()).await;
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        if status == 202 {
            return answer["id"].as_str().unwrap().to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "{answer}\n{}", weir.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn finished(weir: &Weir, id: &str) -> Value {
    let is_finished = |job: &Value| job.get("finished_at").is_some();
    weir.when(&format!("/v1/jobs/{id}"), is_finished).await
}

#[tokio::test]
async fn a_python_function_runs_as_a_job() {
    let (weir, _folder) = start(JOBS, "");
    let id = enqueue(&weir, &json!({"job": "mine.topics", "args": {"n": 2}})).await;
    let job = finished(&weir, &id).await;
    assert_eq!(job["result"], json!({"topics": ["t", "t"]}), "{job}");

    let bad = json!({"job": "mine.topics", "args": {"n": "two"}});
    let response = weir.post("/v1/jobs", bad.to_string()).await;
    assert_eq!(response.status(), 400);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["path"], "args.n", "{answer}");
    let programs: Value = weir.get("/v1/programs").await.json().await.unwrap();
    let listed = &programs["programs"][0];
    assert_eq!(
        (&listed["name"], &listed["role"]),
        (&json!("mine"), &json!("job")),
        "{programs}"
    );
}

#[tokio::test]
async fn a_job_that_fails_names_type_and_place_but_not_the_message() {
    let (weir, _folder) = start(JOBS, "");
    let id = enqueue(&weir, &json!({"job": "mine.broken"})).await;
    let job = finished(&weir, &id).await.to_string();
    assert!(job.contains("KeyError"), "{job}");
    assert!(job.contains("mine.py, line 11"), "{job}");
    assert!(!job.contains("secret"), "{job}");
    assert!(!weir.log().contains("secret"));
}

#[tokio::test]
async fn a_job_is_told_that_it_is_cancelled() {
    let (weir, _folder) = start(JOBS, "");
    let id = enqueue(&weir, &json!({"job": "mine.long"})).await;
    let path = format!("/v1/jobs/{id}");
    weir.when(&path, |job| job["state"] == "running").await;
    let begun = Instant::now();
    weir.client.delete(weir.url(&path)).send().await.unwrap();
    let job = finished(&weir, &id).await;
    assert_eq!(job["state"], "cancelled", "{job}");
    assert!(begun.elapsed() < Duration::from_secs(9), "not by force");
}

#[tokio::test]
async fn a_schedule_fires_once_its_program_has_announced_the_job() {
    let schedule = "[schedules.topics]\njob = \"mine.topics\"\nevery = \"1s\"\nargs = { n = 1 }";
    let code = format!("import time\ntime.sleep(2)\n{JOBS}");
    let (weir, _folder) = start(&code, schedule);
    let has_run = |schedules: &Value| {
        let all = schedules["schedules"].as_array().unwrap();
        all.iter().any(|it| it["last_outcome"] == "succeeded")
    };
    weir.when("/v1/schedules", has_run).await;
}

#[tokio::test]
async fn a_job_is_tried_again_when_it_asks_for_it() {
    let (weir, _folder) = start(JOBS, "");
    let begun = Instant::now();
    let id = enqueue(&weir, &json!({"job": "mine.later"})).await;
    let job = finished(&weir, &id).await;
    assert_eq!(
        (&job["state"], &job["result"]),
        (&json!("succeeded"), &json!(2)),
        "{job}"
    );
    assert!(begun.elapsed() >= Duration::from_secs(3), "{job}");
}

#[tokio::test]
async fn a_job_finds_a_database_whose_path_is_relative_to_weir() {
    let (weir, _folder) = start(JOBS, "");
    let id = enqueue(&weir, &json!({"job": "mine.database"})).await;
    let job = finished(&weir, &id).await;
    let url = job["result"].as_str().unwrap_or_default();
    let path = url.strip_prefix("sqlite://").unwrap_or_default();
    assert!(
        std::path::Path::new(path).is_absolute() && fs::exists(path).unwrap(),
        "{job}"
    );
}
