//! Jobs that are cancelled, retried, or interrupted by the end of their instance.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_test_support::{PATIENCE, Weir};

use super::{embedded, program, with_redis};

#[tokio::test]
async fn cancel_reaches_a_running_job_and_all_its_processes() {
    let (weir, _redis) = with_redis("");
    let id = weir.submit_id(&program("sleep")).await;
    let sleeper = weir.program_line().await;
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
    weir_test_support::eventually(|| !is_alive(&sleeper)).await;
}

#[tokio::test]
async fn a_dead_job_says_why_and_can_be_run_again() {
    let (weir, _redis) = with_redis("");
    let id = weir.submit_id(&program("fail")).await;
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

    let fine = weir.submit_id(&program("echo")).await;
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
        "[programs.once]\nmode = \"once\"\nargv = [\"sh\", \"-c\", \"if [ -e {0} ]; then echo 7; else touch {0}; sleep 60; fi\"]",
        mark.display()
    )
}

#[tokio::test]
async fn a_program_has_ended_although_its_children_still_run() {
    let weir = embedded(
        "[programs.leaves]\nmode = \"once\"\nargv = [\"sh\", \"-c\", \"sleep 60 & echo $! >&2; echo 7\"]",
    );
    let begun = Instant::now();
    let id = weir.submit_id(&program("leaves")).await;
    let left = weir.program_line().await;

    let job = weir.finished(&id).await;

    assert_eq!(job["result"], 7);
    assert!(begun.elapsed() < Duration::from_secs(30));
    weir_test_support::eventually(|| !is_alive(&left)).await;
}

#[tokio::test]
async fn a_killed_instance_recovers_its_job_at_once() {
    let (mut weir, _redis) = with_redis("");
    let settings = held_up_once(&weir);
    weir.kill();
    weir.add_settings(&settings);
    weir.start_again();
    let id = weir.submit_id(&program("once")).await;
    let mark = weir.data_dir().join("mark");
    weir_test_support::eventually(|| mark.exists()).await;
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
async fn a_stopped_instance_releases_its_job_after_the_grace_period() {
    let (mut weir, _redis) = with_redis("shutdown.grace = \"200ms\"");
    let settings = held_up_once(&weir);
    weir.kill();
    weir.add_settings(&settings);
    weir.start_again();
    let id = weir.submit_id(&program("once")).await;
    let mark = weir.data_dir().join("mark");
    weir_test_support::eventually(|| mark.exists()).await;

    assert_eq!(weir.stop(), Some(0));
    weir.start_again();

    let job = weir.finished(&id).await;
    assert_eq!(
        (&job["result"], &job["attempts"], &job["lost"]),
        (&json!(7), &json!(1), &json!(0))
    );
}

#[tokio::test]
async fn a_stopping_server_lets_a_job_finish_within_the_grace_period_and_ends_long_polls() {
    let (mut weir, _redis) = with_redis(
        "[programs.short]\nmode = \"once\"\nargv = [\"sh\", \"-c\", \"echo begun >&2; sleep 1; echo 7\"]",
    );
    let id = weir.submit_id(&program("short")).await;
    weir.program_line().await;
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

fn is_alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}
