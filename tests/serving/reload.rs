//! Settings that are edited while Weir runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_test_support::{PATIENCE, Weir, feed_of};

const BASE: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

async fn policy_in_force(weir: &Weir) -> Value {
    weir.rank(&feed_of(&["I hate this", "I love this"])).await.1["policy"].clone()
}

/// Waits until `/rank` answers by this policy, and answers how long that took.
async fn until_policy(weir: &Weir, policy: &str) -> Duration {
    let begun = Instant::now();
    while policy_in_force(weir).await != policy {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "never took effect\n{}",
            weir.log()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn an_edited_policy_is_in_force_within_two_seconds() {
    let weir = Weir::start(BASE);
    assert_eq!(policy_in_force(&weir).await, "entities");
    weir.edit(&format!("{BASE}ranking.policy = \"mine\"\n[policies.mine]\nentity_weight = 0.0\nweights = {{ sentiment = -1.0 }}"));
    let took = until_policy(&weir, "mine").await;
    assert!(
        took < Duration::from_secs(4),
        "{took:?}, twice what a quiet machine is allowed"
    );
    assert_eq!(
        weir.rank(&feed_of(&["I love this", "I hate this"])).await.0,
        [1, 0]
    );
}

#[tokio::test]
async fn a_pool_is_rescaled_and_scorers_come_and_go_under_load_without_a_failed_request() {
    let sized = |workers: u32, more: &str| {
        format!(
            "{BASE}ranking.policy = \"slow\"\n[policies.slow]\nentity_weight = 0.0\nweights = {{ steady = 1.0 }}\n\
             [scorers.steady]\nkind = \"random\"\nworkers = {workers}\nsleep = \"2ms\"\n{more}"
        )
    };
    let weir = Arc::new(Weir::start(&sized(2, "")));
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (weir, stop) = (Arc::clone(&weir), Arc::clone(&stop));
            tokio::spawn(async move {
                let feed = feed_of(&["a", "b", "c"]);
                let mut served = 0;
                while !stop.load(Ordering::SeqCst) {
                    let (_, metadata) = weir.rank(&feed).await;
                    assert!(metadata.get("degraded").is_none(), "{metadata}");
                    served += 1;
                }
                served
            })
        })
        .collect();
    for workers in [8, 1, 3] {
        weir.edit(&sized(
            workers,
            "[scorers.extra]\nkind = \"random\"\nseed = 1",
        ));
        weir.counts("scorer_pool.steady", "workers", workers.into())
            .await;
        weir.edit(&sized(workers, ""));
        weir.when("/actors", |actors| {
            !actors.to_string().contains("scorer_pool.extra")
        })
        .await;
    }
    // Another sleep is another pool: what the old one was given is finished.
    weir.edit(&sized(3, "").replace("sleep = \"2ms\"", "sleep = \"1ms\""));
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::SeqCst);
    for load in load {
        assert!(load.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn rankers_are_rescaled() {
    let weir = Weir::start(BASE);
    weir.edit(&format!("{BASE}pools.ranker.instances = 4"));
    weir.when("/actors", |actors| actors.to_string().contains("ranker.4"))
        .await;
    weir.edit(&format!("{BASE}pools.ranker.instances = 1"));
    weir.when("/actors", |actors| !actors.to_string().contains("ranker.2"))
        .await;
    assert_eq!(weir.rank(&feed_of(&["a"])).await.0, [0]);
}

#[tokio::test]
async fn a_bad_edit_changes_nothing_and_is_reported_until_it_is_fixed() {
    let weir = Weir::start(BASE);
    weir.edit(&format!("{BASE}ranking.polcy = \"calm\""));
    let ready = weir
        .when("/health/ready", |ready| ready.get("degraded").is_some())
        .await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["degraded"][0]["part"], "config");
    let why = ready["degraded"][0]["why"].as_str().unwrap();
    assert!(
        why.contains("polcy") && why.contains("did you mean policy"),
        "{why}"
    );
    assert!(
        weir.counters("config_watcher").await["error"]
            .as_str()
            .unwrap()
            .contains("polcy")
    );
    assert_eq!(policy_in_force(&weir).await, "entities");

    weir.edit(&format!("{BASE}ranking.policy = \"calm\""));
    until_policy(&weir, "calm").await;
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
}

#[tokio::test]
async fn keys_that_need_a_restart_say_so() {
    let weir = Weir::start(BASE);
    weir.edit(&format!(
        "{BASE}recorder.enabled = true\nranking.policy = \"calm\""
    ));
    until_policy(&weir, "calm").await;
    let ready = weir
        .when("/health/ready", |ready| ready.get("degraded").is_some())
        .await;
    assert_eq!(
        ready["degraded"],
        json!([{"part": "config", "why": "recorder was edited and takes effect at the next start"}])
    );
}

#[tokio::test]
async fn an_edit_with_an_invalid_schedule_or_scraper_is_refused_whole() {
    let weir = Weir::start(BASE);
    let schedule =
        "[schedules.daily]\njob = \"post_statistics\"\nevery = \"1day\"\nargs = { windo = \"1d\" }";
    let scraper = "[scrapers.news]\nsource = \"rss\"\nevery = \"1h\"\nargs = { url = \"ftp://a.example\", platform = \"reddit\" }";
    for (bad, name) in [(schedule, "daily"), (scraper, "news")] {
        weir.edit(&format!("{BASE}ranking.policy = \"calm\"\n{bad}"));
        weir.when("/health/ready", |ready| {
            ready["degraded"].to_string().contains(name)
        })
        .await;
        assert_eq!(policy_in_force(&weir).await, "entities");
    }
}

#[tokio::test]
async fn edited_programs_run_at_once() {
    let weir = Weir::start(&format!(
        "{BASE}[programs.one]\nmode = \"once\"\nargv = [\"echo\", \"1\"]"
    ));
    weir.edit(&format!(
        "{BASE}[programs.two]\nmode = \"once\"\nargv = [\"echo\", \"2\"]"
    ));
    let run = |name: &str| json!({"job": "program", "args": {"program": name}});
    let begun = Instant::now();
    while weir.post_json("/jobs", &run("two")).await.status() != 202 {
        assert!(
            begun.elapsed() < PATIENCE,
            "never took effect\n{}",
            weir.log()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let id = weir.submit_id(&run("two")).await;
    assert_eq!(weir.finished(&id).await["result"], 2);
    assert_eq!(weir.post_json("/jobs", &run("one")).await.status(), 400);
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
}
