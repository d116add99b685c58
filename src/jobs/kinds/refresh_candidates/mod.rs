mod choice;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::choice::Choice;
use crate::jobs::{ArgumentError, Job, JobContext, JobError, Window};
use crate::ranking::stages::insertion::is_list_name;
use crate::ranking::{ByOutput, Candidates, OutputSetting, split};
use crate::{db::TimeRange, scoring::Scorers};
use weir_feed::Platform;

const ROWS_PER_PAGE: u64 = 500;
const MOST_CANDIDATES: usize = 1_000;
const MOST_ROWS: u64 = 1_000_000;
/// Long enough that the last list outlives a day without a run; policies judge its age by its timestamp.
const RESULT_TTL: Duration = Duration::from_hours(24);
/// Chooses scraped posts that may be inserted into feeds and leaves them, best first, as one [`Candidates`] for each
/// platform under `candidates:PLATFORM`, or `candidates:NAME:PLATFORM` for a list with a name. Answers how many by platform.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshCandidates {
    /// Name of the list, by which policies choose it; `None` for the list that they take without one.
    pub name: Option<String>,
    /// Only posts of these scrapers; empty for all.
    pub sources: Vec<String>,
    /// Only posts written since; also how far back the database is read.
    pub max_age: Window,
    /// Only posts in these languages, as the source tells them; empty for all.
    pub languages: Vec<String>,
    /// Only posts with a score within these bounds, by scorer or output.
    pub bounds: ByOutput<Bounds>,
    /// The scorer, or its output, by which the best are chosen; without one it is the newest.
    pub score: Option<String>,
    /// Most posts of one author in a list.
    pub per_author: usize,
    /// Most posts in a list, 1 to 1,000; a list has at most 1 MB.
    pub n: usize,
    /// Most rows to read, newest first.
    pub max_rows: u64,
    /// The scorers that there are.
    #[serde(skip)]
    pub scorers: Scorers,
}

/// The least and the greatest score that will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bounds {
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

impl Default for RefreshCandidates {
    fn default() -> Self {
        Self {
            name: None,
            sources: Vec::new(),
            max_age: Window::of_days(7),
            languages: Vec::new(),
            bounds: ByOutput::default(),
            score: None,
            per_author: 2,
            n: 100,
            max_rows: 20_000,
            scorers: Scorers::default(),
        }
    }
}

impl Job for RefreshCandidates {
    const NAME: &'static str = "refresh_candidates";

    fn validate(&self) -> Result<(), ArgumentError> {
        for named in self.bounds.iter() {
            self.scorers
                .resolve(named.scorer, named.output)
                .map_err(|error| ArgumentError::new("bounds", error.to_string()))?;
        }
        if let Some(name) = &self.score {
            let (scorer, output) = split(name);
            self.scorers
                .resolve(scorer, output)
                .map_err(|error| ArgumentError::new("score", error.to_string()))?;
        }
        if let Some(name) = self.name.as_deref().filter(|name| !is_list_name(name)) {
            let why = format!("expected letters, digits, _ and -, and no platform, found {name:?}");
            return Err(ArgumentError::new("name", why));
        }
        let whole = [
            ("per_author", self.per_author as u64, MOST_CANDIDATES as u64),
            ("n", self.n as u64, MOST_CANDIDATES as u64),
            ("max_rows", self.max_rows, MOST_ROWS),
        ];
        match whole
            .iter()
            .find(|(_, value, most)| !(1..=*most).contains(value))
        {
            None => Ok(()),
            Some((argument, _, most)) => Err(ArgumentError::new(
                *argument,
                format!("expected 1 to {most}"),
            )),
        }
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let now = Utc::now();
        let mut choice = Choice::new(self.clone(), now);
        let stored = TimeRange {
            from: Some(choice.since()),
            to: None,
        };
        let (mut before, mut read) = (None, 0);
        while read < self.max_rows {
            context.check_cancelled()?;
            let limit = ROWS_PER_PAGE.min(self.max_rows - read);
            let rows = context
                .database()
                .scraped_posts_before(before, limit, stored)
                .await?;
            let Some(last) = rows.last() else { break };
            before = Some(last.id);
            read += rows.len() as u64;
            let look = move || {
                choice.look_at(&rows);
                choice
            };
            choice = context.run_blocking(look).await?;
            context.report_progress(read, None);
        }
        let mut counts = BTreeMap::new();
        for (platform, candidates) in choice.lists() {
            counts.insert(platform.as_str(), candidates.len());
            let list = json!(Candidates {
                candidates,
                timestamp: Some(now),
            });
            let key = candidates_key(self.name.as_deref(), platform);
            context.put_result(&key, &list, RESULT_TTL).await?;
        }
        Ok(json!(counts))
    }
}

impl OutputSetting for Bounds {
    const KEYS: &'static [&'static str] = &["min", "max"];

    fn set(&mut self, key: &str, number: f64) {
        match key {
            "min" => self.min = Some(number),
            _ => self.max = Some(number),
        }
    }
}

/// Returns the key of a list of candidates for a platform.
pub(crate) fn candidates_key(list: Option<&str>, platform: Platform) -> String {
    let list = list.map_or_else(String::new, |list| format!("{list}:"));
    format!("candidates:{list}{platform}")
}

impl Bounds {
    fn hold(self, score: f64) -> bool {
        self.min.is_none_or(|min| score >= min) && self.max.is_none_or(|max| score <= max)
    }
}
