//! Scorers of each kind in a serving Weir.

use serde_json::{Value, json};
use weir_test_support::{Redis, Weir, feed_of};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const BASE: &str = "schedules.top_named_entities.enabled = false\n";
const EMBEDDED: &str = "store.backend = \"embedded\"\n";

/// Settings in which a policy orders by one scorer alone.
fn by(scorer: &str) -> String {
    format!(
        "{BASE}ranking.policy = \"mine\"\n[policies.mine]\nentity_weight = 0.0\nweights = {{ mine = 1.0 }}\n\
         [scorers.mine]\n{scorer}\n"
    )
}

#[tokio::test]
async fn a_table_that_somebody_writes_is_looked_up_from_then_on() {
    let redis = Redis::start();
    let settings = by(
        "kind = \"lookup\"\nlookup = { key = \"my_worker:trust\", by = \"author\" }\ndefault = 0.5",
    );
    let settings = format!("store.redis_url = {:?}\n{settings}", redis.url());
    let weir = Weir::start(&settings);
    let mut feed = feed_of(&["a", "b", "c"]);
    for (item, author) in feed.items.iter_mut().zip(["ann", "bob", "cy"]) {
        author.clone_into(&mut item.author_name_hash);
    }
    assert_eq!(weir.rank(&feed).await.0, [0, 1, 2], "no table yet");
    let put = |table: &str| {
        let mut connection = redis.connection();
        let set = redis::cmd("SET").arg("my_worker:trust").arg(table).clone();
        let _: () = set.query(&mut connection).unwrap();
    };
    put(&json!({"ann": 0.1, "bob": 0.9}).to_string());
    weir.counts("snapshot.lookup.mine", "entries", 2).await;
    assert_eq!(weir.rank(&feed).await.0, [1, 2, 0]);

    put("no table");
    weir.counted("snapshot.lookup.mine", "unreadable", 1).await;
    assert_eq!(weir.rank(&feed).await.0, [1, 2, 0], "the one before stays");

    put(&json!({"ann": 0.1, "bob": 0.9}).to_string());
    weir.edit(&settings.replace("default = 0.5", "default = 0.0"));
    let given_up = std::time::Instant::now() + weir_test_support::PATIENCE;
    while weir.rank(&feed).await.0 != [1, 0, 2] {
        assert!(std::time::Instant::now() < given_up, "the edited default");
    }
}

#[tokio::test]
async fn a_lookup_table_that_is_missing_or_no_table_is_in_health() {
    let redis = Redis::start();
    let settings = by("kind = \"lookup\"\nlookup = { key = \"my_worker:trust\" }");
    let settings = format!("store.redis_url = {:?}\n{settings}", redis.url());
    let weir = Weir::start(&settings);
    let says = |why: &'static str| {
        move |ready: &Value| {
            ready["degraded"][0]["part"] == "scorer mine"
                && ready["degraded"][0]["why"].as_str().unwrap().contains(why)
        }
    };
    weir.when(
        "/health/ready",
        says("there is no table at my_worker:trust"),
    )
    .await;
    let put = |table: Value| {
        let mut connection = redis.connection();
        let set = redis::cmd("SET")
            .arg("my_worker:trust")
            .arg(table.to_string())
            .clone();
        let _: () = set.query(&mut connection).unwrap();
    };
    put(json!({"hunter2": "hunter2"}));
    weir.when("/health/ready", says("expected an object of numbers"))
        .await;
    put(json!({"ann": 0.5}));
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
    let metrics = weir.get("/metrics").await.text().await.unwrap();
    for reason in ["no_table", "bad_table"] {
        let series = format!("{{scorer=\"mine\",reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&series), "{metrics}");
    }
    assert!(!weir.log().contains("hunter2"), "{}", weir.log());
}

#[tokio::test]
async fn a_lexicon_is_read_at_the_start_and_a_bad_one_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("terms.csv");
    std::fs::write(&file, "term,weight\nkitten,2\nspam,-3\n").unwrap();
    let lexicon = |file: &std::path::Path| {
        let settings = by(&format!(
            "kind = \"lexicon\"\nlexicon = {{ file = {:?} }}",
            file.display().to_string()
        ));
        format!("{EMBEDDED}{settings}")
    };
    let mut weir = Weir::start(&lexicon(&file));
    let feed = feed_of(&["Spam!", "nothing", "a kitten"]);
    assert_eq!(weir.rank(&feed).await.0, [2, 1, 0]);

    std::fs::write(folder.path().join("bad.csv"), "term,weight\nkitten,cute\n").unwrap();
    weir.edit(&lexicon(&folder.path().join("bad.csv")));
    let ready = weir
        .when("/health/ready", |ready| ready.get("degraded").is_some())
        .await;
    let why = ready["degraded"][0]["why"].as_str().unwrap();
    assert!(
        why.contains("scorers.mine.lexicon.file") && why.contains("line: 2"),
        "{why}"
    );
    assert_eq!(weir.rank(&feed).await.0, [2, 1, 0]);
    assert_eq!(weir.stop(), Some(0));
    assert_eq!(weir.refuses_to_start(), Some(1));
}

#[tokio::test]
async fn a_model_server_orders_a_feed_and_its_failure_leaves_the_incoming_order() {
    let server = MockServer::start().await;
    let scores = json!({"scores": [0.1, 0.9, 0.5]});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(scores))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(500))
        .mount(&server)
        .await;
    let settings = by(&format!(
        "kind = \"http\"\ntime_limit = \"10s\"\ncache_entries = 100\nhttp = {{ url = {:?}, timeout = \"5s\" }}",
        server.uri()
    ));
    let weir = Weir::start(&format!("{EMBEDDED}ranking.deadline = \"10s\"\n{settings}"));
    let feed = feed_of(&["a", "b", "c"]);
    assert_eq!(weir.rank(&feed).await.0, [1, 2, 0]);
    assert_eq!(weir.rank(&feed).await.0, [1, 2, 0], "remembered");
    let (order, metadata) = weir.rank(&feed_of(&["d", "e"])).await;
    assert_eq!(order, [0, 1]);
    assert_eq!(
        metadata["degraded"],
        json!([{"part": "mine", "missed": 2, "why": "error"}])
    );
}

#[tokio::test]
async fn what_is_new_or_much_engaged_with_can_go_first() {
    let weir = Weir::start(&format!("{EMBEDDED}{}", by("kind = \"recency\"")));
    let mut feed = feed_of(&["old", "new"]);
    let now = feed.session.current_time;
    feed.items[0].created_at = now - chrono::TimeDelta::days(2);
    feed.items[1].created_at = now;
    assert_eq!(weir.rank(&feed).await.0, [1, 0]);
}
