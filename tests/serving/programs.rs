//! Scorers in Python, from the file to the answer of a running Weir.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use weir_test_support::{PATIENCE, Weir, feed_of};

const BASE: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\nranking.deadline = \"2s\"\n";

/// A policy by the score of `length`, and nothing else.
const BY_LENGTH: &str = r#"
ranking.policy = "mine"
[policies.mine]
entity_weight = 0.0
weights = { length = 1.0 }
[scorers.length]
kind = "program"
program = "mine"
time_limit = "1s"
"#;

const LENGTH: &str = r#"
import os, time, weir

@weir.scorer(per="item")
def length(item):
    if item.text == "bomb":
        os._exit(1)
    if item.text == "slow":
        time.sleep(2)
    return float(len(item.text))
"#;

/// A Python file in a folder of its own.
struct PythonFile(TempDir);

impl PythonFile {
    fn new(code: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.write(code);
        file
    }

    fn write(&self, code: &str) {
        fs::write(self.0.path().join("mine.py"), code).unwrap();
    }

    /// `[programs.mine]` with `keys` beside the file.
    fn settings(&self, keys: &str) -> String {
        let file = self.0.path().join("mine.py");
        let file = file.display();
        format!("[programs.mine]\npython = \"{file}\"\n{keys}\n")
    }
}

/// Waits until a process of a program serves.
pub(crate) async fn when_ready(weir: &Weir, program: &str) {
    let actor_name = format!("program.{program}");
    weir.when("/v1/actors", |actors| {
        let all = actors["actors"].as_array().unwrap();
        let program = all
            .iter()
            .find(|actor| actor["name"] == actor_name.as_str());
        program.is_some_and(|program| program["counters"]["serving"].as_u64() > Some(0))
    })
    .await;
}

async fn started(settings: &str) -> Weir {
    let weir = Weir::start(settings);
    when_ready(&weir, "mine").await;
    weir
}

#[tokio::test]
async fn a_python_function_orders_a_feed() {
    let file = PythonFile::new(LENGTH);
    let weir = started(&format!("{BASE}{BY_LENGTH}{}", file.settings(""))).await;
    let (order, metadata) = weir.rank(&feed_of(&["ab", "abcd", "a"])).await;
    assert_eq!(order, [1, 0, 2]);
    assert!(metadata.get("degraded").is_none(), "{metadata}");
}

#[tokio::test]
async fn a_process_that_is_killed_costs_no_request_its_answer() {
    let file = PythonFile::new(LENGTH);
    let settings = format!("{BASE}{BY_LENGTH}{}", file.settings("standby = 1"));
    let weir = started(&settings).await;
    weir.rank(&feed_of(&["warm"])).await;
    let begun = Instant::now();
    let mut scored = 0;
    let mut requests = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        Command::new("pkill")
            .args(["-9", "-n", "-f", &file.0.path().display().to_string()])
            .status()
            .unwrap();
        for _ in 0..5 {
            requests += 1;
            let texts = [format!("a{requests}"), format!("abc{requests}")];
            let (_, metadata) = weir.rank(&feed_of(&[&texts[0], &texts[1]])).await;
            scored += usize::from(metadata.get("degraded").is_none());
        }
    }
    assert!(scored * 100 >= requests * 95, "{scored} of {requests}");
}

#[tokio::test]
async fn an_item_that_ends_its_process_is_named_and_costs_the_others_nothing() {
    let file = PythonFile::new(LENGTH);
    let weir = started(&format!(
        "{BASE}{BY_LENGTH}{}",
        file.settings("standby = 1")
    ))
    .await;
    let mut codes = Vec::new();
    for round in 0..4 {
        let texts = [
            format!("a{round}"),
            "bomb".to_owned(),
            format!("abcdef{round}"),
        ];
        let (order, metadata) = weir
            .rank(&feed_of(&[&texts[0], &texts[1], &texts[2]]))
            .await;
        assert_eq!(order[0], 2, "{metadata}");
        codes.push(metadata["degraded"].to_string());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(codes[3].contains("slow_item"), "{codes:?}");
}

#[tokio::test]
async fn a_score_that_comes_late_is_there_for_the_next_request() {
    let file = PythonFile::new(LENGTH);
    let weir = started(&format!("{BASE}{BY_LENGTH}{}", file.settings(""))).await;
    let feed = feed_of(&["slow"]);
    let (_, metadata) = weir.rank(&feed).await;
    assert!(
        metadata["degraded"].to_string().contains("timeout"),
        "{metadata}"
    );
    let begun = Instant::now();
    while weir.rank(&feed).await.1.get("degraded").is_some() {
        assert!(begun.elapsed() < PATIENCE, "never there");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn no_score_of_one_survey_is_given_to_another() {
    let code = r#"
import weir

@weir.scorer(reads=["text", "survey.party_id"], per="item")
def length(item):
    return float(len(item.text)) * (1 if item.survey["party_id"] == "democrat" else -1)
"#;
    let file = PythonFile::new(code);
    let weir = started(&format!("{BASE}{BY_LENGTH}{}", file.settings(""))).await;
    let feed_of_party = |party: &str| {
        let mut feed = feed_of(&["a", "ab", "abc"]);
        let survey = json!({ "party_id": party });
        feed.survey = Some(serde_json::from_value(survey).unwrap());
        feed
    };
    for _ in 0..3 {
        let (order, metadata) = weir.rank(&feed_of_party("democrat")).await;
        assert_eq!(order, [2, 1, 0], "{metadata}");
        assert_eq!(weir.rank(&feed_of_party("republican")).await.0, [0, 1, 2]);
    }
}

#[tokio::test]
async fn a_scorer_that_reads_the_cohort_is_refused_unless_it_may() {
    let code = "import weir\n\n@weir.scorer(reads=[\"text\", \"session.cohort\"], per=\"item\")\ndef length(item):\n    return 1.0\n";
    let file = PythonFile::new(code);
    let weir = Weir::start(&format!("{BASE}{BY_LENGTH}{}", file.settings("")));
    let health = weir
        .when("/health/ready", |health| {
            health.to_string().contains("session.cohort")
        })
        .await;
    assert!(health.to_string().contains("unblind = true"), "{health}");
    let (_, metadata) = weir.rank(&feed_of(&["a", "b"])).await;
    assert!(
        metadata["degraded"].to_string().contains("unavailable"),
        "{metadata}"
    );
    drop(weir);

    let unblind = BY_LENGTH.replace("time_limit", "unblind = true\ntime_limit");
    let weir = started(&format!("{BASE}{unblind}{}", file.settings(""))).await;
    let (_, metadata) = weir.rank(&feed_of(&["a", "b"])).await;
    assert!(metadata.get("degraded").is_none(), "{metadata}");
}

#[tokio::test]
async fn an_edit_takes_effect_once_its_program_is_ready_and_not_before() {
    let file = PythonFile::new(&format!("import time\ntime.sleep(2)\n{LENGTH}"));
    let weir = Weir::start(BASE);
    weir.add_settings(&format!("{BY_LENGTH}{}", file.settings("")));
    weir.when("/health/ready", |health| {
        health.to_string().contains("config_pending")
    })
    .await;
    let (_, metadata) = weir.rank(&feed_of(&["a", "b"])).await;
    assert_eq!(metadata["policy"], "entities", "not yet");
    weir.when("/health/ready", |health| {
        !health.to_string().contains("config_pending")
    })
    .await;
    let (order, metadata) = weir.rank(&feed_of(&["a", "bcd"])).await;
    assert_eq!(
        (metadata["policy"].as_str(), order),
        (Some("mine"), vec![1, 0])
    );
    assert!(
        metadata.get("degraded").is_none(),
        "no request without its score: {metadata}"
    );

    file.write("raise KeyError('a')");
    weir.add_settings("[programs.mine]\nworkers = 1");
    let health = weir
        .when("/health/ready", |health| {
            health.to_string().contains("KeyError")
        })
        .await;
    assert!(health.to_string().contains("programs.mine"), "{health}");
    let (order, _) = weir.rank(&feed_of(&["ab", "bcde"])).await;
    assert_eq!(order, [1, 0], "the old processes go on");
}

#[tokio::test]
async fn a_changed_file_is_loaded_where_the_program_says_so() {
    let file = PythonFile::new(LENGTH);
    let weir = started(&format!(
        "{BASE}{BY_LENGTH}{}",
        file.settings("reload = true")
    ))
    .await;
    let feed = feed_of(&["ab", "abcd", "a"]);
    assert_eq!(weir.rank(&feed).await.0, [1, 0, 2]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    file.write(&LENGTH.replace("float(", "-float("));
    let begun = Instant::now();
    while weir.rank(&feed).await.0 != [2, 0, 1] {
        assert!(begun.elapsed() < PATIENCE, "{}", weir.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn no_process_outlives_a_killed_weir() {
    let file = PythonFile::new(LENGTH);
    let mut weir = started(&format!(
        "{BASE}{BY_LENGTH}{}",
        file.settings("standby = 1")
    ))
    .await;
    let folder = file.0.path().display().to_string();
    let running = || {
        Command::new("pgrep")
            .args(["-f", &folder])
            .output()
            .unwrap()
            .stdout
    };
    assert!(!running().is_empty());
    weir.kill();
    let killed = Instant::now();
    while !running().is_empty() {
        assert!(killed.elapsed() < Duration::from_secs(1), "they live on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_perspective_route_names_the_version_of_the_program() {
    let file = PythonFile::new(LENGTH);
    let route = "[compat.perspective]\nattributes = { TOXICITY = \"length\" }\n";
    let weir = started(&format!("{BASE}{BY_LENGTH}{route}{}", file.settings(""))).await;
    let comment = json!({"comment": {"text": "ab"}, "requestedAttributes": {"TOXICITY": {}}});
    let response = weir.post_json("/v1alpha1/comments:analyze", &comment).await;
    let version = response.headers().get("x-weir-model-version").cloned();
    let answer: serde_json::Value = response.json().await.unwrap();
    assert_eq!(
        answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"], 2.0,
        "{answer}"
    );
    let programs: serde_json::Value = weir.get("/v1/programs").await.json().await.unwrap();
    let announced = programs["programs"][0]["version"].as_str().unwrap();
    assert_eq!(version.unwrap(), format!("length={announced}"));
}

/// Four scorers in two programs, each of which fails as the file `modes` beside it says.
const FAILING: &str = r#"
import json, os, sys, time, weir
from pathlib import Path

def scores(name, items):
    mode = json.loads(Path(__file__).with_name("modes").read_text()).get(name)
    if mode == "raises":
        raise ValueError("as the test wants it")
    if mode == "ends":
        os._exit(3)
    if mode == "hangs":
        time.sleep(30)
    if mode == "too few":
        return [1.0]
    if mode == "text":
        return ["one"] * len(items)
    if mode == "missing":
        return [None] * len(items)
    if mode == "not finite":
        return [float("nan")] * len(items)
    return [float(len(text)) for text in items.text]

@weir.scorer
def a(items):
    return scores("a", items)

@weir.scorer
def b(items):
    return scores("b", items)
"#;

#[tokio::test]
async fn whatever_programs_do_every_item_is_in_the_answer_once() {
    const MODES: [&str; 8] = [
        "works",
        "raises",
        "ends",
        "hangs",
        "too few",
        "text",
        "missing",
        "not finite",
    ];
    let files = [PythonFile::new(FAILING), PythonFile::new(FAILING)];
    let choose = |modes: [&str; 4]| {
        for (file, of_file) in files.iter().zip(modes.chunks(2)) {
            let modes = json!({"a": of_file[0], "b": of_file[1]});
            fs::write(file.0.path().join("modes"), modes.to_string()).unwrap();
        }
    };
    choose(["works"; 4]);
    let policy = "ranking.policy = \"mine\"\n[policies.mine]\nentity_weight = 0.0\n\
        weights = { one_a = 1.0, one_b = 0.5, two_a = -1.0, two_b = 2.0 }\n";
    let tables = ["one", "two"].iter().zip(&files).map(|(program, file)| {
        let path = file.0.path().join("mine.py");
        let scorer = |function: &str| {
            format!(
                "[scorers.{program}_{function}]\nkind = \"program\"\nprogram = \"{program}\"\n\
                 function = \"{function}\"\ntime_limit = \"150ms\"\n"
            )
        };
        format!(
            "[programs.{program}]\npython = {path:?}\nkill_after = \"200ms\"\nstandby = 1\n{}{}",
            scorer("a"),
            scorer("b")
        )
    });
    let settings = format!("{BASE}{policy}{}", tables.collect::<String>());
    let weir = Weir::start(&settings);
    when_ready(&weir, "one").await;
    when_ready(&weir, "two").await;
    let mut random: u64 = 20_261_129;
    let mut degraded = 0;
    for round in 0..40 {
        let modes = [(); 4].map(|()| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            MODES[usize::try_from(random >> 61).unwrap()]
        });
        choose(modes);
        let texts: Vec<String> = (0..20).map(|item| format!("{item} of {round}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (mut order, metadata) = weir.rank(&feed_of(&texts)).await;
        order.sort_unstable();
        assert!(order.into_iter().eq(0..20), "{modes:?}: {metadata}");
        degraded += usize::from(!metadata["degraded"].is_null());
    }
    // What failed was noticed, and the programs came back.
    choose(["works"; 4]);
    let begun = Instant::now();
    loop {
        let (_, metadata) = weir.rank(&feed_of(&["a", "bc"])).await;
        if metadata["degraded"].is_null() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{metadata}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(degraded > 20, "{degraded} of 40 answers were degraded");
}
