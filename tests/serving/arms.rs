//! Experiments: which user gets which policy, and that this stays so.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weir_test_support::{Weir, feed_of};

const BASE: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

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
async fn users_are_reassigned_only_under_a_new_version() {
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

/// An arm of one cohort, under a policy that a user in no arm would notice in every way that a policy has.
const ONE_COHORT: &str = "[policies.treated]\nweights = { dice = 1.0, sentiment = 1.0 }\n\
    exclude = { dice = { above = 0.0 } }\ninsert = { max = 1, positions = [0] }\nauthor_decay = { factor = 0.1 }\n\
    [scorers.dice]\nkind = \"random\"\n[ranking]\npolicy = \"treated\"\n\
    [arms.staff]\ncohort = \"staff\"\npolicy = \"treated\"\n";

async fn asked(weir: &Weir, scorer: &str) -> u64 {
    let counters = weir.counters(&format!("scorer_pool.{scorer}")).await;
    counters["requests"].as_u64().unwrap()
}

#[tokio::test]
async fn a_user_in_no_arm_gets_the_incoming_order_and_no_scorer_is_called() {
    // A [policies.off] of one's own changes nothing: who is not assigned is not treated.
    let off = "[policies.off]\nweights = { dice = 1.0 }\nexclude = { dice = { above = 0.0 } }\n";
    let weir = Weir::start(&format!("{BASE}{ONE_COHORT}{off}"));
    for cohort in [None, Some("no such cohort")] {
        let mut feed = feed_of(&["I hate this", "I love this", "a word", "a good day"]);
        feed.session.cohort = cohort.map(str::to_owned);
        let (order, metadata) = weir.rank(&feed).await;
        assert_eq!(order, [0, 1, 2, 3]);
        assert_eq!(metadata, json!({"intervention_on": false, "policy": "off"}));
    }
    assert_eq!(
        (asked(&weir, "dice").await, asked(&weir, "sentiment").await),
        (0, 0)
    );

    let metrics = weir.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("weir_arm_total{arm=\"(unassigned)\",outcome=\"complete\"} 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn health_shows_the_share_of_unassigned_users_until_the_arms_change() {
    let weir = Weir::start(&format!("{BASE}{HALVES}").replace("share = 0.5", "cohort = \"x\""));
    assert_eq!(arm_of(&weir, "1", Some("staff")).await.0, json!("staff"));
    let ready = weir.when("/health/ready", |_| true).await;
    assert_eq!(ready, json!({"status": "ready"}));

    assert_eq!(
        arm_of(&weir, "1", Some("stuff")).await,
        (Value::Null, json!("off"))
    );
    let ready = weir.when("/health/ready", |_| true).await;
    assert_eq!(
        ready,
        json!({"status": "ready", "unassigned": {"requests": 1, "share": 0.5, "policy": "off"}})
    );

    let share = "[arms.everybody]\nshare = 1.0\npolicy = \"calm\"\n";
    weir.edit(&format!("{BASE}arms.version = 2\n{share}"));
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
    assert_eq!(
        arm_of(&weir, "1", None).await,
        (json!("everybody"), json!("calm"))
    );
}

#[tokio::test]
async fn the_policy_of_users_in_no_arm_can_be_chosen() {
    let base = format!("{BASE}auth.admin = [\"admin\"]\n");
    let weir = Weir::start(&format!("{base}arms.otherwise = \"calm\"\n{ONE_COHORT}"));
    assert_eq!(arm_of(&weir, "1", None).await, (Value::Null, json!("calm")));

    // It is no part of the division: another one needs no new version.
    weir.edit(&format!(
        "{base}arms.otherwise = \"entities\"\n{ONE_COHORT}"
    ));
    let changed = async {
        while arm_of(&weir, "1", None).await.1 != json!("entities") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), changed)
        .await
        .unwrap();

    // A policy that the admin asks for stands in for it, and counts as nobody's.
    let by_admin = weir
        .client
        .post(weir.url("/rank?policy=off"))
        .bearer_auth("admin")
        .json(&feed_of(&["I hate this"]));
    let answer: Value = by_admin.send().await.unwrap().json().await.unwrap();
    let metadata = &answer["metadata"];
    assert_eq!(metadata["policy"], "off");
    let counted = |ready: &Value| ready["unassigned"]["policy"] == "entities";
    let ready = weir.when("/health/ready", counted).await;
    assert_eq!(ready["unassigned"]["share"], 1.0);
}

#[tokio::test]
async fn the_users_of_a_disabled_arm_are_in_no_arm() {
    let disabled = HALVES.replacen("policy", "enabled = false\npolicy", 2);
    let weir = Weir::start(&format!("{BASE}{disabled}"));
    assert_eq!(arm_of(&weir, "1", None).await, (Value::Null, json!("off")));
    assert_eq!(arm_of(&weir, "1", Some("staff")).await.0, json!("staff"));
}

#[tokio::test]
async fn without_arms_every_user_gets_the_policy_in_force() {
    let weir = Weir::start(&format!("{BASE}ranking.policy = \"calm\"\n"));
    assert_eq!(
        arm_of(&weir, "1", Some("staff")).await,
        (Value::Null, json!("calm"))
    );
    let ready = weir.when("/health/ready", |_| true).await;
    assert_eq!(ready, json!({"status": "ready"}));
    let metrics = weir.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("weir_arm_total"), "{metrics}");
}
