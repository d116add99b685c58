//! Schedules, and edits of them.

use serde_json::{Value, json};

use super::{embedded, with_redis};

#[tokio::test]
async fn a_schedule_fires_shows_its_state_and_runs_when_asked() {
    let (mut weir, _redis) = with_redis(
        "[schedules.often]\njob = \"post_statistics\"\nevery = \"200ms\"\n\
         [schedules.never]\njob = \"program\"\ncron = \"0 0 1 1 *\"\ntimezone = \"Asia/Tokyo\"\n\
         args = { program = \"echo\", args = 5 }",
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
