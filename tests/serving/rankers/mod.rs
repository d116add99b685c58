//! The rankers of `examples/rankers` give the orders of an independent version of theirs in Python.

use std::path::Path;
use std::process::Command;

use chrono::Utc;
use serde_json::{Value, json};
use weir_test_support::Weir;

use super::programs::when_ready;

const STILL: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

/// Runs the reference and returns the lines that it prints.
fn reference(ranker: &str, folder: &Path, feeds: usize) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serving/rankers/reference.py");
    let ran = Command::new("python3")
        .arg(script)
        .args([ranker.as_ref(), folder.as_os_str()])
        .args([&feeds.to_string(), "1"])
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let printed = String::from_utf8(ran.stdout).unwrap();
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Starts Weir with the configuration of an example, as if in the root of the repository.
async fn start(folder: &Path) -> Weir {
    let example = std::fs::read_to_string(folder.join("weir.toml")).unwrap();
    let root = concat!("\"", env!("CARGO_MANIFEST_DIR"), "/examples/");
    let settings = format!("{STILL}{}", example.replace("\"examples/", root));
    let variables = [("WEIR__RANKING__DEADLINE", "5s")];
    let weir = Weir::start_with_environment(&settings, &variables);
    let program = example
        .split("[programs.")
        .nth(1)
        .and_then(|rest| rest.split(']').next());
    when_ready(&weir, program.unwrap()).await;
    weir
}

/// Stores posts of these texts, each by an author of its own, and has the candidates chosen from them.
async fn choose_candidates(weir: &Weir, texts: &[Value]) {
    let posts: Vec<Value> = texts.iter().map(|text| json!({
        "id": text, "text": text, "author_name_hash": text, "type": "post", "created_at": Utc::now(),
        "engagements": {"score": 1, "comment": 0, "award": 0}, "platform": "reddit",
        "url": format!("https://posts.example/{}", text.as_str().unwrap().replace(' ', "-")),
    })).collect();
    let scraped = json!({
        "success": true, "task_id": "news", "timestamp": Utc::now(), "data": {"content_items": posts},
    });
    let answer = weir.post_json("/v1/data/scraper", &scraped).await;
    assert!(
        answer.status().is_success(),
        "{}",
        answer.text().await.unwrap()
    );
    let args = json!({
        "name": "bridging", "score": "civic.bridging",
        "bounds": {"civic.is_civic": {"min": 1.0}, "civic.bridging": {"min": 0.5}},
    });
    let id = weir
        .submit_id(&json!({"job": "refresh_candidates", "args": args}))
        .await;
    weir.finished(&id).await;
}

async fn check(ranker: &str, feeds: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/rankers")
        .join(ranker);
    let weir = start(&folder).await;
    for line in reference(ranker, &folder, feeds) {
        if let Some(posts) = line["posts"].as_array() {
            choose_candidates(&weir, posts).await;
            continue;
        }
        let query = line["policy"]
            .as_str()
            .map(|policy| format!("?policy={policy}"));
        let path = format!("/v1/rank{}", query.unwrap_or_default());
        let answer: Value = weir
            .post_json(&path, &line["feed"])
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(answer["metadata"]["degraded"], Value::Null, "{answer}");
        assert_eq!(
            answer["ranked_ids"], line["expected"],
            "{}",
            line["feed"]["session"]
        );
    }
}

#[tokio::test]
async fn arms_of_perspective() {
    check("perspective", 100).await;
}

#[tokio::test]
async fn diversity_of_audiences() {
    check("audience_diversity", 100).await;
}

#[tokio::test]
async fn civility_within_the_feed() {
    check("civility", 100).await;
}

#[tokio::test]
async fn replacement_of_civic_posts_by_bridging_ones() {
    check("bridging_replacement", 40).await;
}
