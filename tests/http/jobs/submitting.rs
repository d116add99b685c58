//! Jobs that are submitted, awaited and listed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{embedded, with_redis};

#[tokio::test]
async fn a_job_runs_and_its_result_can_be_awaited() {
    let (weir, _redis) = with_redis("");
    let args = json!({"program": "echo", "args": {"text": "ü", "n": [1, 2.5, null]}});
    let taken = weir.submit(&json!({"job": "program", "args": args})).await;
    assert_eq!(taken["state"], "queued");
    let id = taken["id"].as_str().unwrap();

    let job = weir.finished(id).await;

    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["result"], args["args"]);
    assert_eq!((&job["job"], &job["args"]), (&json!("program"), &args));
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
        assert_eq!(error["path"], path);
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
        assert_eq!(error["path"], path);
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
        {"job": "program", "args": {"program": "echo", "args": "first"}, "then":
            {"job": "program", "args": {"program": "echo", "args": "second"}, "then":
                {"job": "program", "args": {"program": "echo", "args": "third"}}}},
        {"job": "program", "args": {"program": "fail"}, "then": {"job": "post_statistics"}},
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
        .chain([json!({"job": "program", "args": {"program": "echo"}, "delay_ms": 600_000})])
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
