//! Any items, by any scorers of which any fail: every id that no filter removed, once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use chrono::Utc;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde_json::Value;
use weir::scoring::{RandomScorer, Scorer, Subject};
use weir_feed::{ContentItem, Platform, RankRequest};
use weir_lab::FakeFeed;
use weir_test_support::Weir;

/// Scorers by their seeds and faults.
const SCORERS: [(&str, u64, &str); 7] = [
    ("steady", 1, ""),
    ("other", 2, ""),
    ("moody", 3, "fail_rate = 0.5\nunscored = \"keep_position\""),
    ("nervous", 4, "panic_rate = 0.5\nmax_batch = 4"),
    ("broken", 5, "fail_rate = 1.0"),
    (
        "mortal",
        6,
        "panic_rate = 1.0\nunscored = \"keep_position\"",
    ),
    ("late", 7, "sleep = \"60ms\"\ntime_limit = \"20ms\""),
];
/// Those that never score anything.
const DEAD: [&str; 3] = ["broken", "mortal", "late"];

#[derive(Clone, Debug)]
struct Rules {
    weights: BTreeMap<&'static str, f64>,
    /// Raw scores of this scorer below go out.
    exclude: Option<(&'static str, f64)>,
    keep_threads: bool,
    author_decay: bool,
}

fn scorer() -> impl Strategy<Value = &'static str> {
    select(SCORERS.map(|(name, ..)| name).to_vec())
}

fn rules() -> impl Strategy<Value = Rules> {
    (
        prop::collection::btree_map(scorer(), -2.0..2.0f64, 1..5),
        prop::option::of((scorer(), -1.0..0.5f64)),
        any::<[bool; 2]>(),
    )
        .prop_map(|(weights, exclude, [keep_threads, author_decay])| Rules {
            weights,
            exclude,
            keep_threads,
            author_decay,
        })
}

impl Rules {
    fn write(&self, nth: usize, settings: &mut String) {
        let weights = self.weights.iter();
        let weights: Vec<_> = weights
            .map(|(name, weight)| format!("{name} = {weight:?}"))
            .collect();
        let exclude = self.exclude.map_or_else(String::new, |(name, below)| {
            format!("{name} = {{ below = {below:?} }}")
        });
        let factor = if self.author_decay { 0.5 } else { 1.0 };
        writeln!(
            settings,
            "[policies.p{nth}]\nentity_weight = 0.0\nweights = {{ {} }}\nexclude = {{ {exclude} }}\n\
             keep_threads = {}\nauthor_decay = {{ factor = {factor:?}, floor = 0.1 }}",
            weights.join(", "),
            self.keep_threads,
        )
        .unwrap();
    }

    fn are_dead(&self) -> bool {
        let scorers = self
            .weights
            .keys()
            .copied()
            .chain(self.exclude.map(|(name, _)| name));
        scorers.into_iter().all(|name| DEAD.contains(&name))
    }

    /// Whether the item goes out once it is scored.
    fn rule_out(&self, feed: &RankRequest, item: &ContentItem) -> bool {
        let Some((name, below)) = self.exclude else {
            return false;
        };
        let seed = SCORERS.iter().find(|scorer| scorer.0 == name).unwrap().1;
        raw_score(seed, feed, item) < below
    }
}

/// What the scorer of this seed makes of the item when it does not fail.
fn raw_score(seed: u64, feed: &RankRequest, item: &ContentItem) -> f64 {
    let scorer = RandomScorer {
        seed,
        sleep: std::time::Duration::ZERO,
        fail_rate: 0.0,
        panic_rate: 0.0,
    };
    let session = &feed.session;
    let rows = scorer.worker().score(&[Subject {
        item,
        session,
        survey: None,
    }]);
    rows[0].as_ref().unwrap().number(0).unwrap()
}

#[derive(Clone, Debug)]
struct Case {
    rules: Index,
    feed: RankRequest,
    deadline_ms: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let platform = select(vec![
        Platform::Facebook,
        Platform::Reddit,
        Platform::Twitter,
    ]);
    let feed = (
        any::<u64>(),
        platform,
        1..12usize,
        0..3usize,
        1..4usize,
        any::<bool>(),
    );
    let feed = feed.prop_map(|(seed, platform, posts, comments, authors, twice)| {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let fake = FakeFeed {
            posts,
            comments,
            platform,
            now: Utc::now(),
        };
        let mut feed = fake.request(&mut rng);
        feed.items.shuffle(&mut rng);
        for (nth, item) in feed.items.iter_mut().enumerate() {
            item.author_name_hash = format!("author {}", nth % authors);
        }
        if twice {
            feed.items.push(feed.items[0].clone());
        }
        feed
    });
    (any::<Index>(), feed, 30..150u64).prop_map(|(rules, feed, deadline_ms)| Case {
        rules,
        feed,
        deadline_ms,
    })
}

/// For each id what it answers: the comment, or else the post, if that is in the feed.
fn parents(feed: &RankRequest) -> HashMap<&str, &str> {
    let ids: BTreeSet<&str> = feed.items.iter().map(|item| item.id.as_str()).collect();
    let known = |id: &Option<String>| id.as_deref().and_then(|id| ids.get(id).copied());
    let parent = |item: &ContentItem| known(&item.parent_id).or_else(|| known(&item.post_id));
    let items = feed.items.iter();
    items
        .filter_map(|item| Some((item.id.as_str(), parent(item)?)))
        .collect()
}

fn check(rules: &Rules, feed: &RankRequest, answer: &Value) -> Result<(), TestCaseError> {
    let ranked = answer["ranked_ids"].as_array().unwrap();
    let ranked: Vec<&str> = ranked.iter().map(|id| id.as_str().unwrap()).collect();
    let kept: BTreeSet<&str> = ranked.iter().copied().collect();
    prop_assert_eq!(kept.len(), ranked.len(), "each once");
    let parents = parents(feed);
    let mut incoming: Vec<&str> = Vec::new();
    for item in &feed.items {
        if !incoming.contains(&item.id.as_str()) {
            incoming.push(&item.id);
        }
    }
    prop_assert!(kept.iter().all(|id| incoming.contains(id)), "no other id");

    let missing = |name: &str| {
        let mut parts = answer["metadata"]["degraded"]
            .as_array()
            .into_iter()
            .flatten();
        parts.any(|part| part["part"] == name || part["part"] == "ranker")
    };
    let scored_all = rules.exclude.is_none_or(|(name, _)| !missing(name));
    for item in &feed.items {
        let gone_with = parents
            .get(item.id.as_str())
            .is_some_and(|parent| !kept.contains(parent));
        let ruled_out = rules.rule_out(feed, item);
        if kept.contains(item.id.as_str()) {
            prop_assert!(!gone_with, "a reply to what is gone");
            prop_assert!(!(ruled_out && scored_all), "it should have gone");
        } else {
            prop_assert!(gone_with || ruled_out, "gone without a reason");
        }
    }
    if rules.are_dead() && !rules.keep_threads {
        prop_assert_eq!(ranked, incoming, "with all scorers dead");
    }
    Ok(())
}

/// A Weir with these policies over all scorers.
fn start(rules: &[Rules]) -> Weir {
    let mut settings = super::BASE.to_owned();
    for (nth, rules) in rules.iter().enumerate() {
        rules.write(nth, &mut settings);
    }
    for (name, seed, fault) in SCORERS {
        writeln!(
            settings,
            "[scorers.{name}]\nkind = \"random\"\nseed = {seed}\n{fault}"
        )
        .unwrap();
    }
    Weir::start(&settings)
}

#[test]
fn whatever_fails_the_answer_has_every_id_that_no_filter_removed_once() {
    let mut drawn = TestRunner::default();
    let mut draw = || rules().new_tree(&mut drawn).unwrap().current();
    let mut policies: Vec<Rules> = (0..30).map(|_| draw()).collect();
    let dead = DEAD.map(|name| (name, 1.0)).into();
    policies.push(Rules {
        weights: dead,
        exclude: None,
        keep_threads: false,
        ..policies[0].clone()
    });

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let weir = start(&policies);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 96,
        max_shrink_iters: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(
        &case(),
        |Case {
             rules,
             feed,
             deadline_ms,
         }| {
            let nth = rules.index(policies.len());
            let url = weir.url(&format!("/rank?policy=p{nth}"));
            let request = weir
                .client
                .post(url)
                .header("X-Deadline-Ms", deadline_ms)
                .json(&feed);
            let answer: Value = runtime.block_on(async {
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), 200);
                response.json().await.unwrap()
            });
            check(&policies[nth], &feed, &answer).map_err(|error| {
                TestCaseError::fail(format!("{error}: {:?}, {answer}", policies[nth]))
            })
        },
    );
    outcome.unwrap();
    assert_eq!(runtime.block_on(weir.get("/health/ready")).status(), 200);
}
