use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ArgumentError, Job, JobContext, JobError, Window};
use crate::{
    db::{ScrapedRow, TimeRange},
    feed::{ContentItem, Platform, Session},
    ranking::{Candidate, Candidates, Score},
    scoring::{Scorers, Subject, Worker},
    sources::StoredPost,
};

const ROWS_PER_PAGE: u64 = 500;
const MOST_CANDIDATES: usize = 1_000;
const MOST_ROWS: u64 = 1_000_000;
/// Room for a list within the default cap of 1 MiB.
const MOST_LIST_BYTES: usize = 1_000_000;
/// Long enough that the last list outlives a day without a run; policies judge its age by its timestamp.
const RESULT_TTL: Duration = Duration::from_hours(24);
/// The key of a platform's list is this and the platform's name.
pub const CANDIDATES_KEY: &str = "candidates:";

/// Chooses scraped posts that may be inserted into feeds and leaves them, best first, as one [`Candidates`] for each
/// platform under `candidates:PLATFORM`. Answers how many by platform.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshCandidates {
    /// Only posts of these scrapers; empty for all.
    pub sources: Vec<String>,
    /// Only posts written since; also how far back the database is read.
    pub max_age: Window,
    /// Only posts in these languages, as the source tells them; empty for all.
    pub languages: Vec<String>,
    /// Only posts with a score within these bounds, by scorer.
    pub bounds: BTreeMap<String, Bounds>,
    /// The scorer by which the best are chosen; without one it is the newest.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

impl Default for RefreshCandidates {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            max_age: Window::of_days(7),
            languages: Vec::new(),
            bounds: BTreeMap::new(),
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
        let scorers = self.bounds.keys().map(|name| ("bounds", name));
        for (argument, name) in scorers.chain(self.score.iter().map(|name| ("score", name))) {
            if self.scorers.get(name).is_none() {
                let known = self.scorers.names().join(", ");
                let why = format!("there is no scorer {name:?} to choose by; there are {known}");
                return Err(ArgumentError::new(argument, why));
            }
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
            from: Some(choice.since),
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
            let key = format!("{CANDIDATES_KEY}{}", platform.as_str());
            context.put_result(&key, &list, RESULT_TTL).await?;
        }
        Ok(json!(counts))
    }
}

/// What passed so far.
struct Choice {
    wanted: RefreshCandidates,
    since: DateTime<Utc>,
    found: Vec<Found>,
}

struct Found {
    platform: Platform,
    candidate: Candidate,
    author: String,
    created_at: DateTime<Utc>,
}

impl Choice {
    fn new(wanted: RefreshCandidates, now: DateTime<Utc>) -> Self {
        Self {
            since: wanted.max_age.start(now),
            wanted,
            found: Vec::new(),
        }
    }

    fn look_at(&mut self, rows: &[ScrapedRow]) {
        let mut workers = self.workers();
        let found = rows.iter().filter_map(|row| {
            let source = row.source_id.as_deref().unwrap_or_default();
            let sources = &self.wanted.sources;
            if !sources.is_empty() && !sources.iter().any(|wanted| wanted == source) {
                return None;
            }
            self.judge(StoredPost::read(row.post_blob.as_deref()?)?, &mut workers)
        });
        let found: Vec<Found> = found.collect();
        self.found.extend(found);
    }

    fn judge(
        &self,
        post: StoredPost,
        workers: &mut BTreeMap<&str, Box<dyn Worker>>,
    ) -> Option<Found> {
        let StoredPost {
            item,
            platform,
            url,
        } = post;
        let languages = &self.wanted.languages;
        let spoken = item.language.as_deref();
        if item.created_at < self.since
            || !(languages.is_empty() || languages.iter().any(|one| Some(one.as_str()) == spoken))
        {
            return None;
        }
        let session = nobody(platform, item.created_at);
        let mut score_by = |name: &str| {
            let worker = workers.get_mut(name)?;
            let scores = worker.score(&[Subject {
                item: &item,
                session: &session,
            }]);
            scores.first()?.ok().filter(|score| score.is_finite())
        };
        for (name, bounds) in &self.wanted.bounds {
            if !bounds.hold(score_by(name)?) {
                return None;
            }
        }
        let score = match &self.wanted.score {
            Some(name) => Some(score_by(name)?),
            None => None,
        };
        Some(Found {
            platform,
            author: item.author_name_hash.clone(),
            created_at: item.created_at,
            candidate: candidate(item, url, score),
        })
    }

    fn workers(&self) -> BTreeMap<&str, Box<dyn Worker>> {
        let names = self.wanted.bounds.keys().chain(&self.wanted.score);
        names
            .filter_map(|name| Some((name.as_str(), self.wanted.scorers.get(name)?.worker())))
            .collect()
    }

    /// The best of each platform; a platform without any has an empty list.
    fn lists(mut self) -> BTreeMap<Platform, Vec<Candidate>> {
        let value = |found: &Found| Score::new(found.candidate.score.unwrap_or_default());
        self.found
            .sort_by_key(|found| Reverse((value(found), found.created_at)));
        let mut of_author: HashMap<(Platform, String), usize> = HashMap::new();
        let platforms = [Platform::Facebook, Platform::Reddit, Platform::Twitter];
        let mut lists: BTreeMap<Platform, (Vec<Candidate>, usize)> =
            platforms.map(|platform| (platform, (Vec::new(), 0))).into();
        for found in self.found {
            let (list, list_bytes) = lists.entry(found.platform).or_default();
            let posts = of_author.entry((found.platform, found.author)).or_default();
            if list.len() < self.wanted.n && *posts < self.wanted.per_author {
                let bytes = json!(found.candidate).to_string().len() + 1;
                if *list_bytes + bytes <= MOST_LIST_BYTES {
                    *posts += 1;
                    *list_bytes += bytes;
                    list.push(found.candidate);
                }
            }
        }
        let without_bytes = |(platform, (list, _))| (platform, list);
        lists.into_iter().map(without_bytes).collect()
    }
}

impl Bounds {
    fn hold(self, score: f64) -> bool {
        self.min.is_none_or(|min| score >= min) && self.max.is_none_or(|max| score <= max)
    }
}

fn candidate(item: ContentItem, url: String, score: Option<f64>) -> Candidate {
    Candidate {
        id: item.id,
        url,
        score,
    }
}

/// A candidate is scored for whoever it may be shown to.
fn nobody(platform: Platform, now: DateTime<Utc>) -> Session {
    Session {
        session_id: String::new(),
        user_id: String::new(),
        user_name_hash: String::new(),
        cohort: None,
        cohort_index: None,
        platform,
        url: String::new(),
        current_time: now,
        prefetch: None,
    }
}
