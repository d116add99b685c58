//! Generator of `reddit.csv`: posts and comments in one table.

use std::path::Path;

use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::common::{Authors, CsvWriter, Timeline, comment_time};
use crate::{Bar, LabError, TextGenerator};

const COLUMNS: &[&str] = &[
    "type",
    "id",
    "title",
    "selftext",
    "body",
    "author",
    "ups",
    "downs",
    "created_utc",
    "parent_id",
];
const MAX_COMMENTS: u32 = 5;
/// Share of comments without a parent.
const UNLINKED_SHARE: f64 = 0.2;
const DELETED_SHARE: f64 = 0.03;
const BROKEN_SHARE: f64 = 0.004;
/// Share of posts that have a title and no text.
const TITLE_ONLY_SHARE: f64 = 0.3;

pub(super) fn generate(
    seed: u64,
    posts: u64,
    folder: &Path,
    bar: &mut Bar,
) -> Result<(), LabError> {
    let mut export = Export {
        rng: ChaCha8Rng::seed_from_u64(seed ^ 0x4E_DD17),
        text: TextGenerator::new(seed.wrapping_add(1)),
        authors: Authors::new(),
        rows: CsvWriter::create(&folder.join("reddit.csv"), COLUMNS)?,
        last_id: 0,
    };
    let timeline = Timeline::new(posts);
    for index in 0..posts {
        let time = timeline.time(index, &mut export.rng);
        export.post_with_comments(time)?;
        bar.advance(1);
    }
    export.rows.finish()
}

struct Export {
    rng: ChaCha8Rng,
    text: TextGenerator,
    authors: Authors,
    rows: CsvWriter,
    last_id: u64,
}

impl Export {
    fn post_with_comments(&mut self, time: DateTime<Utc>) -> Result<(), LabError> {
        let id = self.next_id();
        let title = self.text.title();
        let text = if self.rng.random_bool(TITLE_ONLY_SHARE) {
            String::new()
        } else {
            let length = self.rng.random_range(60..400);
            self.text.post(length)
        };
        self.row("Post", &id, [&title, &text, ""], time, "")?;
        self.comments(time, &id)
    }

    /// Writes comments on the post, on one of its comments, or without a parent.
    fn comments(&mut self, post_time: DateTime<Utc>, post_id: &str) -> Result<(), LabError> {
        let mut parents = vec![format!("t3_{post_id}")];
        for _ in 0..self.rng.random_range(0..=MAX_COMMENTS) {
            let id = self.next_id();
            let time = comment_time(post_time, &mut self.rng);
            let text = self.text.reply();
            let parent = if self.rng.random_bool(UNLINKED_SHARE) {
                String::new()
            } else {
                parents.choose(&mut self.rng).cloned().unwrap_or_default()
            };
            parents.push(format!("t1_{id}"));
            self.row("Comment", &id, ["", "", &text], time, &parent)?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        kind: &str,
        id: &str,
        [title, selftext, body]: [&str; 3],
        time: DateTime<Utc>,
        parent: &str,
    ) -> Result<(), LabError> {
        if self.rng.random_bool(BROKEN_SHARE) {
            return self.rows.write([kind, id, title]);
        }
        let (mut selftext, mut body, mut author) =
            (selftext, body, self.authors.name(&mut self.rng));
        if self.rng.random_bool(DELETED_SHARE) {
            let mark = if self.rng.random() {
                "[deleted]"
            } else {
                "[removed]"
            };
            let text = if kind == "Post" {
                &mut selftext
            } else {
                &mut body
            };
            *text = mark;
            "[deleted]".clone_into(&mut author);
        }
        let ups = self.rng.random_range(-3..400).to_string();
        let downs = self.rng.random_range(-1..40).to_string();
        let time = time.timestamp().to_string();
        self.rows.write([
            kind, id, title, selftext, body, &author, &ups, &downs, &time, parent,
        ])
    }

    fn next_id(&mut self) -> String {
        self.last_id += self.rng.random_range(1..30);
        base36(0x1_0000_0000 + self.last_id)
    }
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    while number > 0 {
        let digit = usize::try_from(number % 36).unwrap_or_default();
        digits.push(char::from(DIGITS[digit]));
        number /= 36;
    }
    digits.iter().rev().collect()
}
