//! Generator of `tweets.jsonl`: one response of the platform's API per line.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::common::{Authors, LineWriter, Timeline};
use crate::{Bar, LabError, TextGenerator};

const TRUNCATED_SHARE: f64 = 0.003;
const WITHHELD_SHARE: f64 = 0.01;
/// Share of tweets whose counts are all zero.
const UNCOUNTED_SHARE: f64 = 0.3;
const LANGUAGES: &[&str] = &["en", "en", "en", "en", "en", "en", "en", "en", "en", "und"];

pub(super) fn generate(
    seed: u64,
    tweets: u64,
    folder: &Path,
    bar: &mut Bar,
) -> Result<(), LabError> {
    let mut lines = LineWriter::create(&folder.join("tweets.jsonl"))?;
    let mut export = Export {
        rng: ChaCha8Rng::seed_from_u64(seed ^ 0x7717),
        text: TextGenerator::new(seed.wrapping_add(2)),
        authors: Authors::new(),
    };
    let timeline = Timeline::new(tweets);
    for index in 0..tweets {
        let time = timeline.time(index, &mut export.rng);
        lines.write(&export.line(index, time))?;
        bar.advance(1);
    }
    lines.finish()
}

struct Export {
    rng: ChaCha8Rng,
    text: TextGenerator,
    authors: Authors,
}

impl Export {
    /// Returns the line of a tweet; a small share is withheld or truncated.
    fn line(&mut self, index: u64, time: DateTime<Utc>) -> String {
        if self.rng.random_bool(WITHHELD_SHARE) {
            return json!({"errors": [{"title": "Not Found Error", "resource_type": "tweet"}]})
                .to_string();
        }
        let mut line = self.tweet(index, time).to_string();
        if self.rng.random_bool(TRUNCATED_SHARE) {
            line.truncate(20);
        }
        line
    }

    fn tweet(&mut self, index: u64, time: DateTime<Utc>) -> Value {
        let length = self.rng.random_range(40..180);
        let mut text = self.text.post(length);
        let mut urls = Vec::new();
        if self.rng.random_bool(0.2) {
            let short = format!("https://t.co/{:08x}", self.rng.random::<u32>());
            text = format!("{text} {short}");
            urls.push(json!({"url": short, "expanded_url": self.text.link()}));
        }
        let author = self.authors.number(&mut self.rng);
        json!({
            "data": {
                "id": (1_200_000_000_000_000_000 + index * 4_194_304).to_string(),
                "author_id": (5_000_000 + author * 17).to_string(),
                "created_at": time.to_rfc3339_opts(SecondsFormat::Millis, true),
                "text": text,
                "lang": LANGUAGES[self.rng.random_range(0..LANGUAGES.len())],
                "entities": {"urls": urls},
                "public_metrics": self.metrics(),
            },
            "includes": {"users": [{
                "id": (5_000_000 + author * 17).to_string(),
                "public_metrics": {"followers_count": 2_000_000 / (author + 1) + 10, "tweet_count": author % 900 + 1},
            }]},
        })
    }

    fn metrics(&mut self) -> Value {
        let fame: u32 = if self.rng.random_bool(UNCOUNTED_SHARE) {
            0
        } else {
            self.rng.random_range(1..500)
        };
        let mut count = |share| self.rng.random_range(0..=fame / share);
        json!({"like_count": count(1), "retweet_count": count(4), "reply_count": count(6), "quote_count": count(20)})
    }
}
