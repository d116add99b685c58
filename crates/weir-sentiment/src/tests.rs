//! Sentiment against the reference: `golden/make_sentiment.py` tells how the files were made.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::Sentiment;
use flate2::read::GzDecoder;
use proptest::prelude::*;

const TOLERANCE: f64 = 1e-4;

/// The length of hostile texts; a build without optimizations is a tenth as fast.
const HOSTILE_BYTES: usize = if cfg!(debug_assertions) {
    1_000_000
} else {
    10_000_000
};

/// A text and its compound, positive, neutral and negative scores.
type Golden = (String, f64, f64, f64, f64);

fn crate_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn goldens(path: &Path) -> impl Iterator<Item = Golden> {
    let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// How many texts of the file were compared, and the numbers of the lines that differ (not their texts, which may be
/// by real people).
fn compare(path: &Path) -> (usize, Vec<usize>) {
    let mut count = 0;
    let mut different = Vec::new();
    for (text, compound, positive, neutral, negative) in goldens(path) {
        count += 1;
        let ours = Sentiment::of(&text);
        let pairs = [
            (ours.compound, compound),
            (ours.positive, positive),
            (ours.neutral, neutral),
            (ours.negative, negative),
        ];
        // Not-a-number counts as different.
        if !pairs
            .iter()
            .all(|(ours, theirs)| (ours - theirs).abs() < TOLERANCE)
        {
            different.push(count);
        }
    }
    (count, different)
}

#[test]
fn all_four_scores_equal_the_reference_on_the_golden_texts() {
    let (count, different) = compare(&crate_path("golden/sentiment.jsonl.gz"));
    assert!(count >= 20_000, "only {count} texts");
    assert_eq!(different, [0; 0], "lines that differ, of {count}");
}

#[test]
fn all_four_scores_equal_the_reference_on_further_texts_at_hand() {
    let Ok(folder) = fs::read_dir(crate_path("target/golden")) else {
        eprintln!("nothing compared: no folder target/golden; golden/make_sentiment.py fills it");
        return;
    };
    for path in folder.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("sentiment") && name.ends_with(".jsonl.gz") {
            let (count, different) = compare(&path);
            assert_eq!(different, [0; 0], "lines of {name} that differ, of {count}");
            eprintln!("{name}: {count} texts, all equal");
        }
    }
}

#[test]
fn a_text_without_words_has_no_sentiment() {
    for text in ["", " ", "\n\u{3000}\u{1f}"] {
        assert_eq!(Sentiment::of(text), Sentiment::default());
    }
}

#[test]
fn a_huge_text_of_one_line_takes_seconds() {
    // The reference takes quadratic time for the last.
    let parts = ["n't", "😀", " a", " not very sad", " good but bad"];
    for part in parts {
        let text = part.repeat(HOSTILE_BYTES / part.len());
        let started = Instant::now();
        let sentiment = Sentiment::of(&text);
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{part:?} took {:?}",
            started.elapsed()
        );
        assert!(sentiment.compound.abs() <= 1.0);
    }
}

proptest! {
    #[test]
    fn any_text_has_shares_that_add_up(text in "\\PC*|[a-z !?😀]*|(good|bad|but|not|no|VERY|least|:\\)|😍| |!|\\?){0,40}") {
        let sentiment = Sentiment::of(&text);
        let sum = sentiment.positive + sentiment.neutral + sentiment.negative;
        prop_assert!(sentiment.compound.abs() <= 1.0);
        prop_assert!((sum - 1.0).abs() < 0.002 || sentiment == Sentiment::default(), "{}", sum);
    }
}
