use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use weir_programs::CallOptions;

use super::{Fetched, Position, ScrapedPost, Source, SourceError, StoredPost};
use crate::programs::{ProgramDirectory, check_arguments};

/// Source that a program has, called `PROGRAM.SOURCE`.
pub(super) struct ProgramSource {
    pub(super) programs: ProgramDirectory,
    pub(super) program: String,
    pub(super) source: String,
    pub(super) args: Map<String, Value>,
    pub(super) time_limit: Duration,
}

/// Result of `fetch`.
#[derive(Deserialize)]
struct Page {
    posts: Vec<Box<RawValue>>,
    #[serde(default)]
    cursor: Value,
    #[serde(default)]
    more: bool,
}

impl ProgramSource {
    fn failed(&self, why: impl Into<String>) -> SourceError {
        SourceError::Program {
            source_name: format!("{}.{}", self.program, self.source),
            why: why.into(),
        }
    }
}

#[async_trait]
impl Source for ProgramSource {
    async fn fetch(&self, from: &Position, limit: usize) -> Result<Fetched, SourceError> {
        let program = self.programs.get(&self.program);
        let program = program.ok_or_else(|| self.failed("the program is not running"))?;
        let pool = program.pool();
        let announcement = pool.announcement();
        let announced = announcement
            .as_ref()
            .and_then(|it| it.sources.get(&self.source));
        let Some(announced) = announced else {
            let known = announcement.iter().flat_map(|it| it.sources.keys());
            let known: Vec<&str> = known.map(String::as_str).collect();
            let why = format!(
                "the program has no such source; it has {}",
                known.join(", ")
            );
            return Err(self.failed(why));
        };
        check_arguments(&announced.schema, &self.args)
            .map_err(|error| self.failed(error.to_string()))?;
        let cursor: Value = from.cursor();
        let params =
            json!({"source": self.source, "args": self.args, "cursor": cursor, "limit": limit});
        let call = pool.call("fetch", params.to_string(), CallOptions::default(), None);
        let timed_out = |_| {
            let limit_ms = self.time_limit.as_millis();
            self.failed(format!("no answer within {limit_ms} ms"))
        };
        let page = tokio::time::timeout(self.time_limit, call).await;
        let page = page.map_err(timed_out)?;
        let page = page.map_err(|error| self.failed(error.to_string()))?;
        let page: Page = serde_json::from_str(page.get()).map_err(|error| {
            let why = format!("no page of posts, at column {}", error.column());
            SourceError::Malformed(why)
        })?;
        Ok(read(page))
    }
}

fn read(page: Page) -> Fetched {
    let mut fetched = Fetched {
        next: Position::new(&page.cursor),
        more: page.more,
        ..Fetched::default()
    };
    for (index, original) in page.posts.into_iter().enumerate() {
        let Some(stored) = StoredPost::read(original.get()) else {
            let why = format!("posts[{index}] has no text, no time or no address");
            fetched.unreadable.push(why);
            continue;
        };
        fetched.posts.push(ScrapedPost {
            item: stored.item,
            platform: stored.platform,
            url: stored.url,
            original,
        });
    }
    fetched
}
