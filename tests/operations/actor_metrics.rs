//! Every counter of an actor is a metric of its own.

use serde_json::Value;

use weir_test_support::Weir;

/// Every actor that needs no other server.
const SETTINGS: &str = r#"
store.backend = "embedded"
auth.admin = ["open-sesame"]
recorder.enabled = true
rankings.enabled = true
schedules.top_named_entities.enabled = false
scorers.trust = { kind = "lookup", lookup = { key = "trust" } }
policies.entities.insert = { max = 1, every = 5 }
"#;

/// The metric families with a value for this actor, but for those that supervision counts.
fn families<'m>(metrics: &'m str, actor: &str) -> Vec<&'m str> {
    let label = format!("{{actor=\"{actor}\"}} ");
    let of_actor = metrics.lines().filter(|line| line.contains(&label));
    of_actor
        .filter_map(|line| line.split('{').next())
        .filter(|family| !family.starts_with("weir_actor_"))
        .collect()
}

#[tokio::test]
async fn every_counter_of_every_actor_has_a_family_with_help_that_is_documented() {
    let weir = Weir::start(SETTINGS);
    let get = async |path: &str| {
        let request = weir.client.get(weir.url(path)).bearer_auth("open-sesame");
        request.send().await.unwrap().text().await.unwrap()
    };
    let answer: Value = serde_json::from_str(&get("/v1/actors").await).unwrap();
    let metrics = get("/metrics").await;
    let docs = include_str!("../../docs/operations.md");
    let actors = answer["actors"].as_array().unwrap();
    assert!(actors.len() >= 12, "{answer}");
    for actor in actors {
        let name = actor["name"].as_str().unwrap();
        let counters = actor["counters"].as_object().unwrap();
        let numbers = counters.values().filter(|value| value.is_number()).count();
        let families = families(&metrics, name);
        assert_eq!(families.len(), numbers, "{name}: {families:?}");
        for family in families {
            let declared = |what: &str| {
                let start = format!("# {what} {family} ");
                metrics.lines().find_map(|line| line.strip_prefix(&start))
            };
            assert!(
                declared("HELP").is_some_and(|help| help.len() > 10),
                "{family}"
            );
            let is_counter = declared("TYPE") == Some("counter");
            assert_eq!(is_counter, family.ends_with("_total"), "{family}");
            assert!(
                docs.contains(&format!("`{family}`")),
                "{family} is not documented"
            );
        }
    }
    assert!(metrics.contains("# HELP weir_actor_running "));
}
