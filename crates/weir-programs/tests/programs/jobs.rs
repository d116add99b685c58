//! Calls without a batch: jobs, their progress and their end when nobody waits any longer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weir_programs::{CallError, CallOptions, ProcessState, Role, code};

use crate::common::{Fixture, wait_for};

const JOBS: &str = r#"
def answer(method, params, id):
    if method == "initialize":
        return {"protocol": "weir-program/1", "version": "1", "jobs": {"topics": {"retries": 3, "schema": {"type": "object"}}}}
    for done in range(3):
        send({"method": "progress", "params": {"id": id, "done": done + 1, "total": 3}})
    return {"topics": params["args"]["n"] * ["x"]}
"#;

fn of_jobs(code: &str) -> Fixture {
    let mut fixture = Fixture::of_python(&format!("{JOBS}\n{code}"));
    fixture.spec.role = Role::Job;
    fixture.spec.scorers.clear();
    fixture.spec.kill_after = None;
    fixture
}

#[tokio::test]
async fn a_job_reports_its_progress_and_its_result() {
    let fixture = of_jobs("");
    let pool = fixture.start_warm().await;
    assert_eq!(pool.announcement().unwrap().jobs["topics"].retries, Some(3));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let report = move |done, total| sink.lock().unwrap().push((done, total));
    let options = CallOptions {
        progress: Some(Arc::new(report)),
        ..CallOptions::default()
    };
    let params = r#"{"job":"topics","args":{"n":2},"job_id":"1","token":1,"attempt":1}"#.to_owned();
    let result = pool.call("run_job", params, options, None).await;
    assert_eq!(result.unwrap().get(), r#"{"topics": ["x", "x"]}"#);
    assert_eq!(*seen.lock().unwrap(), [(1, 3), (2, 3), (3, 3)]);
}

#[tokio::test]
async fn an_error_names_type_and_place_and_its_message_goes_to_the_log_alone() {
    let code = r#"
def main():
    send({"id": json.loads(sys.stdin.readline())["id"], "result": answer("initialize", {}, 1)})
    for line in sys.stdin:
        data = {"type": "KeyError", "file": "mine.py", "line": 3, "retry": False}
        send({"id": json.loads(line)["id"], "error": {"code": -32000, "message": "a secret", "data": data}})
"#;
    let fixture = of_jobs(code);
    let pool = fixture.start_warm().await;
    let error = pool
        .call("run_job", "{}".to_owned(), CallOptions::default(), None)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the function failed with KeyError in mine.py, line 3"
    );
    let CallError::Failed(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!((error.code, error.data.retry), (code::FAILED, Some(false)));
    wait_for("the log", || fixture.log_text().contains("error: a secret")).await;
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_is_cancelled() {
    let code = r#"
def main():
    send({"id": json.loads(sys.stdin.readline())["id"], "result": answer("initialize", {}, 1)})
    job = json.loads(sys.stdin.readline())["id"]
    cancel = json.loads(sys.stdin.readline())
    assert cancel["method"] == "cancel" and cancel["params"] == {"id": job}, cancel
    open("cancelled", "w").close()
    send({"id": job, "error": {"code": -32005, "message": "cancelled"}})
    sys.stdin.read()
"#;
    let fixture = of_jobs(code);
    let pool = fixture.start_warm().await;
    let call = pool.call("run_job", "{}".to_owned(), CallOptions::default(), None);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), call)
            .await
            .is_err()
    );
    let cancelled = fixture.folder.path().join("cancelled");
    wait_for("the cancel", || cancelled.exists()).await;
    assert_eq!(pool.status()[0].state, ProcessState::Serving);
    assert_eq!(pool.status()[0].starts, 1);
}

#[tokio::test]
async fn a_job_that_runs_on_after_its_cancel_is_terminated() {
    let code = r#"
def answer(method, params, id, first=answer):
    if method == "initialize":
        return first(method, params, id)
    time.sleep(1000)
"#;
    let pool = of_jobs(code).start_warm().await;
    let begun = Instant::now();
    let call = pool.call("run_job", "{}".to_owned(), CallOptions::default(), None);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), call)
            .await
            .is_err()
    );
    wait_for("the end", || pool.status()[0].last_failure.is_some()).await;
    assert!(begun.elapsed() > Duration::from_secs(9), "it has its grace");
    let failure = pool.status()[0].last_failure.clone().unwrap();
    assert_eq!(failure, "it ended with signal: 15 (SIGTERM)");
}

#[tokio::test]
async fn a_request_of_the_program_is_refused_and_costs_nothing() {
    let code = r#"
def answer(method, params, id, first=answer):
    if method == "initialize":
        return first(method, params, id)
    send({"id": "mine", "method": "sing"})
    return json.loads(sys.stdin.readline())["error"]["code"]
"#;
    let pool = of_jobs(code).start_warm().await;
    let result = pool
        .call("run_job", "{}".to_owned(), CallOptions::default(), None)
        .await;
    assert_eq!(result.unwrap().get(), "-32601");
}
