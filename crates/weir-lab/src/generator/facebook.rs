//! Generator of `fb_news_posts.csv` and `fb_news_comments.csv`.

use std::path::Path;

use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::common::{Authors, CsvWriter, Timeline, comment_time};
use crate::{Bar, LabError, TextGenerator};

const POST_COLUMNS: &[&str] = &[
    "created_time",
    "message",
    "page_id",
    "post_id",
    "react_like",
    "react_love",
    "react_wow",
    "react_haha",
    "react_sad",
    "react_angry",
    "shares",
];
const COMMENT_COLUMNS: &[&str] = &["created_time", "from_id", "message", "post_name"];
const PAGES: u64 = 40;
const MAX_COMMENTS: u32 = 5;
/// Capacity of the buffer that mixes the comments of different posts.
const PENDING: usize = 64;
const UNPARSEABLE_SHARE: f64 = 0.004;
const SHORT_SHARE: f64 = 0.002;
const REPEATED_SHARE: f64 = 0.01;
const EMPTY_SHARE: f64 = 0.005;

pub(super) fn generate(
    seed: u64,
    posts: u64,
    folder: &Path,
    bar: &mut Bar,
) -> Result<(), LabError> {
    let mut export = Export {
        rng: ChaCha8Rng::seed_from_u64(seed ^ 0xFB),
        text: TextGenerator::new(seed),
        authors: Authors::new(),
        posts: CsvWriter::create(&folder.join("fb_news_posts.csv"), POST_COLUMNS)?,
        comments: CsvWriter::create(&folder.join("fb_news_comments.csv"), COMMENT_COLUMNS)?,
        pending: Vec::with_capacity(PENDING + 1),
    };
    let timeline = Timeline::new(posts);
    for index in 0..posts {
        let time = timeline.time(index, &mut export.rng);
        export.post_with_comments(time)?;
        bar.advance(1);
    }
    export.finish()
}

struct Export {
    rng: ChaCha8Rng,
    text: TextGenerator,
    authors: Authors,
    posts: CsvWriter,
    comments: CsvWriter,
    pending: Vec<[String; 4]>,
}

impl Export {
    fn post_with_comments(&mut self, time: DateTime<Utc>) -> Result<(), LabError> {
        let page = 10_000_000 + self.rng.random_range(0..PAGES) * 7919;
        let id = format!(
            "{page}_{}",
            self.rng
                .random_range(1_000_000_000_000_u64..10_000_000_000_000)
        );
        let row = self.post_row(time, page, &id);
        self.posts.write(&row)?;
        if self.rng.random_bool(REPEATED_SHARE) {
            self.posts.write(&row)?;
        }
        for _ in 0..self.rng.random_range(0..=MAX_COMMENTS) {
            self.comment(time, &id)?;
        }
        Ok(())
    }

    fn post_row(&mut self, time: DateTime<Utc>, page: u64, id: &str) -> Vec<String> {
        let length = self.rng.random_range(60..240);
        let message = if self.rng.random_bool(EMPTY_SHARE) {
            String::new()
        } else {
            self.text.post(length)
        };
        let mut row = vec![self.time(time), message, page.to_string(), id.to_owned()];
        if self.rng.random_bool(SHORT_SHARE) {
            return row;
        }
        let fame = self.rng.random_range(1..1000);
        row.push(fame.to_string());
        row.extend((0..6).map(|_| self.rng.random_range(0..=fame / 4).to_string()));
        row
    }

    fn comment(&mut self, post_time: DateTime<Utc>, post_id: &str) -> Result<(), LabError> {
        let time = comment_time(post_time, &mut self.rng);
        let author = 1_000_000 + self.authors.number(&mut self.rng) * 31;
        let row = [
            self.time(time),
            author.to_string(),
            self.text.reply(),
            post_id.to_owned(),
        ];
        if self.rng.random_bool(REPEATED_SHARE) {
            self.pending.push(row.clone());
        }
        self.pending.push(row);
        while self.pending.len() > PENDING {
            self.write_random_pending_comment()?;
        }
        Ok(())
    }

    fn write_random_pending_comment(&mut self) -> Result<(), LabError> {
        let index = self.rng.random_range(0..self.pending.len());
        let row = self.pending.swap_remove(index);
        self.comments.write(&row)
    }

    /// Formats the time as the export does; a small share is unparseable.
    fn time(&mut self, time: DateTime<Utc>) -> String {
        if self.rng.random_bool(UNPARSEABLE_SHARE) {
            "an hour ago".to_owned()
        } else {
            time.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
        }
    }

    fn finish(mut self) -> Result<(), LabError> {
        while !self.pending.is_empty() {
            self.write_random_pending_comment()?;
        }
        self.posts.finish()?;
        self.comments.finish()
    }
}
