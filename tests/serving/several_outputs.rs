//! A scorer with several outputs, one of them a label, from its configuration to answers.

use std::sync::Arc;

use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use weir::app::{Application, InitialData, StartOptions};
use weir::ranking::{OutputOverride, PolicyConfig};
use weir::scoring::{
    BuildContext, BuildError, CacheKey, ItemScore, OutputKind, OutputValue, Outputs, ScoreError,
    ScoreRow, Scorer, ScorerConfig, ScorerKind, Subject, Worker,
};
use weir::settings::{Backend, Settings};
use weir_feed::RankRequest;
use weir_test_support::{feed_of, http_client, ranked_indices};

/// Counts vowels and other letters, and tells the first one. A text of digits has no number, an empty one is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Letters {}

impl ScorerKind for Letters {
    const NAME: &'static str = "letters";

    fn outputs(&self) -> Outputs {
        let (number, label) = (OutputKind::Number, OutputKind::Label);
        Outputs::new([("vowels", number), ("others", number), ("first", label)])
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl Scorer for Letters {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(self.clone())
    }

    fn outputs(&self) -> Outputs {
        ScorerKind::outputs(self)
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        Some(xxhash_rust::xxh3::xxh3_128(item.text.as_bytes()))
    }

    fn is_costly(&self) -> bool {
        true
    }
}

impl Worker for Letters {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        batch
            .iter()
            .map(|subject| letters(&subject.item.text))
            .collect()
    }
}

fn letters(text: &str) -> ItemScore {
    let first = text.chars().next().ok_or(ScoreError::Error)?;
    let vowels = text.chars().filter(|c| "aeiou".contains(*c)).count();
    let others = text.chars().filter(|c| c.is_alphabetic()).count() - vowels;
    let number = |count| (!first.is_numeric()).then_some(OutputValue::Number(count as f64));
    let label = OutputValue::Label(first.to_string().into());
    let values = vec![number(vowels), number(others), Some(label)];
    Ok(ScoreRow::from_values(values))
}

fn settings(weights: &[(&str, f64)]) -> Settings {
    let mut settings = Settings::default();
    let policy = PolicyConfig {
        entity_weight: 0.0,
        weights: weights
            .iter()
            .map(|&(output, weight)| (output.to_owned(), weight))
            .collect(),
        ..PolicyConfig::default()
    };
    let mut letters = ScorerConfig::new(Letters {});
    letters.scores.default = 1.0;
    let vowels = OutputOverride {
        default: Some(9.0),
        ..OutputOverride::default()
    };
    letters
        .scores
        .per_output
        .insert("vowels".to_owned(), vowels);
    settings.scorers.insert("letters".to_owned(), letters);
    settings.policies.insert("mine".to_owned(), policy);
    "mine".clone_into(&mut settings.ranking.policy);
    settings
}

/// A server with the scorer.
struct Server {
    url: String,
    client: Client,
    stop: oneshot::Sender<()>,
    _folder: TempDir,
}

impl Server {
    async fn start(mut settings: Settings) -> Self {
        let (client, folder) = (http_client(), tempfile::tempdir().unwrap());
        settings.data_dir = folder.path().join("data");
        settings.server.bind = "127.0.0.1:0".parse().unwrap();
        let url = format!("sqlite://{}/weir.db", folder.path().display());
        settings.database.url = url.as_str().into();
        settings.store.backend = Backend::Embedded;
        settings.schedules.clear();
        settings.auth = serde_json::from_value(json!({"open": ["admin"]})).unwrap();
        settings.validate().unwrap();
        let application = Application::build(StartOptions {
            settings,
            file: None,
            initial_data: InitialData::None,
            reread: Arc::default(),
        })
        .await
        .unwrap();
        let url = format!("http://127.0.0.1:{}", application.port());
        let (stop, stopped) = oneshot::channel::<()>();
        actix_rt::spawn(application.run_until_stopped(async {
            let _ = stopped.await;
        }));
        Self {
            url,
            client,
            stop,
            _folder: folder,
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.url));
        let response = request.body(body.to_string()).send().await.unwrap();
        response.json().await.unwrap()
    }

    async fn rank(&self, feed: &RankRequest) -> Value {
        let feed = serde_json::to_value(feed).unwrap();
        self.post("/v1/rank?explain=true", &feed).await
    }
}

#[actix_rt::test]
async fn a_policy_weighs_each_output_on_its_own_and_one_without_a_value_by_its_default() {
    let weights = [("letters.vowels", 1.0), ("letters.others", -10.0)];
    let server = Server::start(settings(&weights)).await;
    let feed = feed_of(&["aeiou", "xyz", "7", "aex"]);
    let answer = server.rank(&feed).await;
    // By 5, -30, 9 - 10 and 2 - 10.
    assert_eq!(ranked_indices(&feed, &answer), [0, 2, 3, 1]);
    assert_eq!(
        answer["metadata"].get("degraded"),
        None,
        "no value is an answer"
    );
    let scores = |index: usize| &answer["explanation"][index]["scores"];
    assert_eq!(
        *scores(0),
        json!({"letters.vowels": 5.0, "letters.others": 0.0})
    );
    assert_eq!(
        *scores(1),
        json!({"letters.vowels": null, "letters.others": null})
    );
    drop(server.stop);
}

#[actix_rt::test]
async fn all_outputs_come_of_one_call_and_a_failure_is_the_scorers() {
    let weights = [("letters.vowels", 1.0), ("letters.others", -10.0)];
    let server = Server::start(settings(&weights)).await;
    let feed = feed_of(&["aeiou", "", "7"]);
    for _ in 0..2 {
        let answer = server.rank(&feed).await;
        let expected = json!([{"part": "letters", "missed": 1, "why": "error"}]);
        assert_eq!(answer["metadata"]["degraded"], expected);
    }
    let actors = server.client.get(format!("{}/v1/actors", server.url));
    let actors = actors.send().await;
    let actors: Value = actors.unwrap().json().await.unwrap();
    let pool = actors["actors"].as_array().unwrap().iter();
    let pool = pool
        .clone()
        .find(|actor| actor["name"] == "scorer_pool.letters");
    let counters = &pool.unwrap()["counters"];
    assert_eq!(
        (&counters["scored"], &counters["cached"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(counters["breaker"], json!(0));
    drop(server.stop);
}

#[actix_rt::test]
async fn score_answers_every_output_labels_too() {
    let server = Server::start(settings(&[("letters.vowels", 1.0)])).await;
    let data = json!([
        {"item_id": "a", "text": "aex"},
        {"item_id": "b", "text": "7"},
        {"item_id": "c", "text": ""},
    ]);
    let request = json!({"data": data, "scorers": ["letters"]});
    let answer = server.post("/v1/score", &request).await;
    let expected = [
        json!({"letters.vowels": 2.0, "letters.others": 1.0, "letters.first": "a"}),
        json!({"letters.vowels": null, "letters.others": null, "letters.first": "7"}),
        json!({"letters.vowels": null, "letters.others": null, "letters.first": null}),
    ];
    for (item, scores) in answer["data"].as_array().unwrap().iter().zip(expected) {
        assert_eq!(item["scores"], scores);
    }
    let errors = |item: usize| &answer["data"][item]["errors"];
    assert_eq!(
        [errors(1), errors(2)],
        [&json!({}), &json!({"letters": "error"})]
    );
    drop(server.stop);
}

#[test]
fn an_output_that_policies_cannot_weigh_is_refused() {
    for (output, expected) in [
        (
            "letters",
            "policies.mine.weights.letters: scorer letters has several outputs, expected one of letters.vowels, \
             letters.others, letters.first",
        ),
        (
            "letters.vowel",
            "policies.mine.weights.letters.vowel: scorer letters has no output vowel; did you mean vowels?",
        ),
        (
            "letters.first",
            "policies.mine.weights.letters.first: letters.first is a label, expected a number",
        ),
        (
            "leters.vowels",
            "policies.mine.weights.leters.vowels: there is no scorer leters; did you mean letters?",
        ),
        (
            "sentiment.scores",
            "policies.mine.weights.sentiment.scores: scorer sentiment has no output scores; did you mean score?",
        ),
    ] {
        let refusal = settings(&[(output, 1.0)])
            .validate()
            .unwrap_err()
            .to_string();
        assert!(refusal.contains(expected), "{refusal}");
    }
    let twice = settings(&[("sentiment", 1.0), ("sentiment.score", 1.0)]);
    let refusal = twice.validate().unwrap_err().to_string();
    let expected = "policies.mine.weights.sentiment.score: is given twice";
    assert!(refusal.contains(expected), "{refusal}");
    let mut unknown = settings(&[]);
    let letters = unknown.scorers.get_mut("letters").unwrap();
    letters
        .scores
        .per_output
        .insert("vowel".to_owned(), OutputOverride::default());
    let refusal = unknown.validate().unwrap_err().to_string();
    let expected =
        "scorers.letters.per_output.vowel: there is no output vowel; did you mean vowels?";
    assert!(refusal.contains(expected), "{refusal}");
}
