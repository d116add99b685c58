//! Experiments: which user gets which policy, and that this stays so.

mod common;

use std::collections::BTreeSet;

use common::weir::{Weir, feed_of};
use serde_json::{Value, json};

const BASE: &str = "results.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

const HALVES: &str = "[arms.control]\nshare = 0.5\npolicy = \"off\"\n[arms.treatment]\nshare = 0.5\npolicy = \"calm\"\n\
                      [arms.staff]\ncohort = \"staff\"\npolicy = \"entities\"\n";

/// What the metadata says for a user: the arm and the policy.
async fn arm_of(weir: &Weir, user: &str, cohort: Option<&str>) -> (Value, Value) {
    let mut feed = feed_of(&["I hate this", "I love this"]);
    user.clone_into(&mut feed.session.user_id);
    feed.session.cohort = cohort.map(str::to_owned);
    let (_, metadata) = weir.rank(&feed).await;
    (metadata["arm"].clone(), metadata["policy"].clone())
}

async fn arms_of(weir: &Weir) -> Vec<(Value, Value)> {
    let mut arms = Vec::new();
    for user in 0..64 {
        arms.push(arm_of(weir, &user.to_string(), None).await);
    }
    arms
}

#[tokio::test]
async fn a_user_is_always_in_the_same_arm() {
    let mut weir = Weir::start(&format!("{BASE}{HALVES}"));
    let arms = arms_of(&weir).await;
    let distinct: BTreeSet<String> = arms.iter().map(|arm| format!("{arm:?}")).collect();
    let expected = [
        (json!("control"), json!("off")),
        (json!("treatment"), json!("calm")),
    ];
    assert_eq!(distinct, expected.map(|arm| format!("{arm:?}")).into());
    weir.kill();
    weir.start_again();
    assert_eq!(arms_of(&weir).await, arms);

    assert_eq!(
        arm_of(&weir, "1", Some("staff")).await,
        (json!("staff"), json!("entities"))
    );
    let metrics = weir.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("weir_arm_total{arm=\"staff\",outcome=\"degraded\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn users_are_divided_anew_only_under_a_new_version() {
    let mut weir = Weir::start(&format!("{BASE}{HALVES}"));
    let before = arms_of(&weir).await;
    let redivided = HALVES.replacen("0.5", "0.1", 1);
    weir.edit(&format!("{BASE}{redivided}"));
    let ready = weir
        .when("/health/ready", |ready| ready.get("degraded").is_some())
        .await;
    let why = ready["degraded"][0]["why"].as_str().unwrap();
    assert!(why.contains("arms.version"), "{why}");
    assert_eq!(arms_of(&weir).await, before);

    weir.edit(&format!("{BASE}arms.version = 2\n{redivided}"));
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
    assert_ne!(arms_of(&weir).await, before);

    weir.kill();
    weir.edit(&format!("{BASE}arms.version = 2\n{HALVES}"));
    assert_eq!(weir.refuses_to_start(), Some(1));
}

#[tokio::test]
async fn blinded_metadata_names_no_arm() {
    let weir = Weir::start(&format!("{BASE}ranking.metadata = \"minimal\"\n{HALVES}"));
    assert_eq!(arm_of(&weir, "1", None).await, (Value::Null, Value::Null));
}
