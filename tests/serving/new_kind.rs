//! The kind of scorer that `docs/extending.md` adds.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir::app::{Application, InitialData, StartOptions};
use weir::ranking::PolicyConfig;
use weir::scoring::pool::PoolConfig;
use weir::scoring::{BuildContext, BuildError, ScorerConfig, ScorerKind};
use weir::scoring::{Formula, Scorer, Subject};
use weir::settings::{Check, Settings};

use weir_test_support::{feed_of, http_client, ranked_indices};

/// Shortness of a text: 1 for an empty one, 0.5 at `half` characters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Brevity {
    /// Length that scores one half, in characters.
    pub(crate) half: f64,
}

impl Default for Brevity {
    fn default() -> Self {
        Self { half: 140.0 }
    }
}

impl ScorerKind for Brevity {
    const NAME: &'static str = "brevity";

    fn validate(&self, check: &mut Check, _: &PoolConfig) {
        check.require("half", self.half > 0.0, || {
            format!("expected a number above 0, found {}", self.half)
        });
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl Formula for Brevity {
    fn value(&self, Subject { item, .. }: Subject<'_>) -> f64 {
        let characters = item.text.chars().count();
        self.half / (self.half + characters as f64)
    }
}

fn settings(half: f64) -> Settings {
    let mut settings = Settings::default();
    let policy = PolicyConfig {
        entity_weight: 0.0,
        weights: [("short".to_owned(), 1.0)].into(),
        ..PolicyConfig::default()
    };
    settings
        .scorers
        .insert("short".to_owned(), ScorerConfig::new(Brevity { half }));
    settings.policies.insert("short".to_owned(), policy);
    "short".clone_into(&mut settings.ranking.policy);
    settings
}

#[actix_rt::test]
async fn a_new_kind_orders_a_feed() {
    let client = http_client();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(80.0);
    settings.data_dir = folder.path().join("data");
    settings.server.bind = "127.0.0.1:0".parse().unwrap();
    settings.database.url = format!("sqlite://{}/weir.db", folder.path().display())
        .as_str()
        .into();
    settings.store.backend = weir::settings::Backend::Embedded;
    settings.schedules.clear();
    settings.validate().unwrap();
    let application = Application::build(StartOptions {
        settings,
        file: None,
        initial_data: InitialData::None,
        reread: std::sync::Arc::default(),
    })
    .await
    .unwrap();
    let url = format!("http://127.0.0.1:{}/rank", application.port());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = actix_rt::spawn(application.run_until_stopped(async {
        let _ = stopped.await;
    }));

    let feed = feed_of(&["a long text about nothing", "short", "neither of them"]);
    let body = serde_json::to_vec(&feed).unwrap();
    let response = client.post(url).body(body).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(ranked_indices(&feed, &answer), [1, 2, 0]);
    drop(stop);
    served.await.unwrap().unwrap();
}

#[test]
fn its_configuration_is_checked_and_part_of_the_scorers() {
    let refusal = settings(0.0).validate().unwrap_err().to_string();
    assert!(
        refusal.contains("scorers.short.half: expected a number above 0, found 0"),
        "{refusal}"
    );
    let written = serde_json::to_value(&settings(80.0).scorers["short"]).unwrap();
    assert_eq!(written["kind"], "brevity");
    assert_eq!(written["half"], json!(80.0));
    assert_eq!(written["workers"], json!(2));
}

#[test]
fn the_documented_code_is_the_code_that_runs() {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let code = squeezed(include_str!("new_kind.rs"));
    let document = include_str!("../../docs/extending.md");
    let (_, section) = document.split_once("## A new kind of scorer").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<&str> = section
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 3);
    // The first block has the imports, which a test outside the crate spells differently.
    for block in &blocks[1..] {
        assert!(code.contains(&squeezed(block)), "not in the test:\n{block}");
    }
}
