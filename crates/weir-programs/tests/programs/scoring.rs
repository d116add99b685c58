//! Batches: what comes back, and what a failing process costs.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use weir_programs::{CallError, Cell, ItemError};

use crate::common::{Fixture, PATIENCE, batch, numbers, score};

#[tokio::test]
async fn every_item_has_its_score_in_order() {
    let pool = Fixture::of_python("").start_warm().await;
    let rows = score(&pool, &["a", "", "abc", "\u{1f600}"]).await;
    assert_eq!(numbers(&rows), [1.0, 0.0, 3.0, 1.0]);
}

#[tokio::test]
async fn null_and_numbers_that_are_not_finite_are_missing_scores() {
    let code =
        r#"score = lambda text: {"n": None, "i": float("inf"), "x": float("nan")}.get(text, 1)"#;
    let pool = Fixture::of_python(code).start_warm().await;
    let rows = score(&pool, &["n", "i", "x", "y"]).await;
    let missing = || Ok(vec![Cell::Missing]);
    assert_eq!(
        rows,
        [missing(), missing(), missing(), Ok(vec![Cell::Number(1.0)])]
    );
}

#[tokio::test]
async fn an_error_of_one_item_or_of_the_batch_costs_no_process() {
    let code = r#"
def answer(method, params, id):
    if method == "initialize":
        return announce()
    texts = [each["item"]["text"] for each in params["items"]]
    if "short" in texts:
        return {"columns": {"score": []}}
    return {"columns": {"score": [None] * len(texts)}, "errors": {"1": "too long"}}
"#;
    let pool = Fixture::of_python(code).start_warm().await;
    let pid = pool.status()[0].pid;
    let rows = score(&pool, &["a", "b"]).await;
    assert_eq!(rows, [Ok(vec![Cell::Missing]), Err(ItemError::Item)]);
    let rows = score(&pool, &["short"]).await;
    assert_eq!(rows, [Err(ItemError::Call(CallError::BadResult))]);
    assert_eq!(pool.status()[0].pid, pid);
}

#[tokio::test]
async fn an_item_refers_to_its_session_also_when_it_is_sent_again() {
    let code = r#"
def answer(method, params, id):
    if method == "initialize":
        return announce()
    if len(params["items"]) > 1:
        os._exit(1)
    users = [params["sessions"][each["s"]]["session"]["user_id"] for each in params["items"]]
    return {"columns": {"score": [float(user) for user in users]}}
"#;
    let fixture = Fixture::of_python(code);
    let pool = fixture.start_warm().await;
    let mut batch = batch(&["a", "b", "c"]);
    for user in ["10", "20"] {
        let session = serde_json::json!({"session": {"user_id": user}}).to_string();
        batch.sessions.push(RawValue::from_string(session).unwrap());
    }
    for (item, session) in batch.items.iter_mut().zip([1, 0, 1]) {
        item.session = Some(session);
    }
    let rows = pool.score(&batch, Instant::now() + PATIENCE).await;
    assert_eq!(numbers(&rows), [20.0, 10.0, 20.0]);
}

const BOMB: &str = r#"
def score(text):
    if text == "bomb":
        os._exit(1)
    return len(text)
"#;

#[tokio::test]
async fn an_item_that_ends_its_process_costs_the_others_nothing() {
    let fixture = Fixture::of_python(BOMB);
    let pool = fixture.start_warm().await;
    let mut rows = score(&pool, &["a", "bomb", "abc"]).await;
    let bomb = rows.remove(1).unwrap_err();
    assert!(
        matches!(bomb, ItemError::EndsProcess { alone: 1, .. }),
        "{bomb:?}"
    );
    assert_eq!(numbers(&rows), [1.0, 3.0]);
}

#[tokio::test]
async fn an_item_that_is_alone_in_its_batch_is_tried_twice() {
    let mut fixture = Fixture::of_python(BOMB);
    fixture.spec.standby = 1;
    let pool = fixture.start_warm().await;
    assert_eq!(numbers(&score(&pool, &["a"]).await), [1.0]);
    let rows = score(&pool, &["bomb"]).await;
    assert!(
        matches!(rows[0], Err(ItemError::EndsProcess { alone: 2, .. })),
        "{rows:?}"
    );
}

#[tokio::test]
async fn past_the_deadline_nothing_is_sent_again() {
    let mut fixture = Fixture::of_python("def score(text):\n    time.sleep(1000)");
    fixture.spec.kill_after = Some(Duration::from_millis(300));
    let pool = fixture.start_warm().await;
    let begun = Instant::now();
    let rows = pool
        .score(&batch(&["a", "b"]), begun + Duration::from_millis(100))
        .await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    for row in rows {
        let text = row.unwrap_err().to_string();
        assert!(text.contains("a call took longer than 300ms"), "{text}");
    }
}

#[tokio::test]
async fn a_batch_that_comes_late_is_waited_for() {
    let pool = Fixture::of_python("def score(text):\n    time.sleep(0.3)\n    return 1")
        .start_warm()
        .await;
    let deadline = Instant::now() + Duration::from_millis(50);
    let rows = pool.score(&batch(&["a"]), deadline).await;
    assert_eq!(numbers(&rows), [1.0]);
}

#[tokio::test]
async fn a_batch_that_finds_no_free_process_in_time_is_not_sent() {
    let pool = Fixture::of_python("def score(text):\n    time.sleep(0.5)\n    return 1")
        .start_warm()
        .await;
    let deadline = Instant::now() + Duration::from_millis(100);
    let (one, other) = (batch(&["a"]), batch(&["b"]));
    let both = tokio::join!(pool.score(&one, deadline), pool.score(&other, deadline));
    assert_eq!(numbers(&both.0), [1.0]);
    assert_eq!(both.1, [Err(ItemError::Call(CallError::NotInTime))]);
}

#[tokio::test]
async fn a_batch_that_is_too_long_for_a_line_is_sent_in_parts() {
    let pool = Fixture::of_python("").start_warm().await;
    let (long, longer) = ("x".repeat(7 << 20), "x".repeat(17 << 20));
    let rows = score(&pool, &[&long, &long, "a", &longer]).await;
    assert_eq!(
        numbers(&rows[..3].to_vec()),
        [7_340_032.0, 7_340_032.0, 1.0]
    );
    assert_eq!(rows[3], Err(ItemError::Call(CallError::TooLong)));
}

#[tokio::test]
async fn a_process_takes_as_many_calls_as_it_announced() {
    let code = r#"
announced = announce()
announce = lambda: dict(announced, concurrency=3)
def main():
    waiting = []
    for line in sys.stdin:
        message = json.loads(line)
        if message["method"] == "initialize":
            send({"id": 1, "result": announce()})
            continue
        waiting.append(message["id"])
        if len(waiting) == 3:
            for id in reversed(waiting):
                send({"id": id, "result": {"columns": {"score": [id]}}})
            waiting = []
"#;
    let pool = Fixture::of_python(code).start_warm().await;
    let batches = [batch(&["a"]), batch(&["b"]), batch(&["c"])];
    let deadline = Instant::now() + PATIENCE;
    let rows = tokio::join!(
        pool.score(&batches[0], deadline),
        pool.score(&batches[1], deadline),
        pool.score(&batches[2], deadline)
    );
    let mut ids = [
        numbers(&rows.0)[0],
        numbers(&rows.1)[0],
        numbers(&rows.2)[0],
    ];
    ids.sort_unstable_by(f64::total_cmp);
    let whole = |id: &f64| id.round().to_string();
    assert_eq!(ids.iter().map(whole).collect::<Vec<_>>(), ["2", "3", "4"]);
}
