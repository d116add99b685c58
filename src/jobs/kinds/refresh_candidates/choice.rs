use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::RefreshCandidates;
use crate::{
    db::ScrapedRow,
    ranking::{Candidate, Score, split},
    scoring::{ScoreRow, Subject, Worker},
    sources::StoredPost,
};
use weir_feed::{ContentItem, Platform, Session};

/// Room for a list within the default cap of 1 MiB.
const MOST_BYTES: usize = 1_000_000;

/// What passed so far.
pub(super) struct Choice {
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
    pub(super) fn new(wanted: RefreshCandidates, now: DateTime<Utc>) -> Self {
        Self {
            since: wanted.max_age.start(now),
            wanted,
            found: Vec::new(),
        }
    }

    /// When the oldest post is from that will do.
    pub(super) fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// Judges some rows.
    pub(super) fn look_at(&mut self, rows: &[ScrapedRow]) {
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
        let subject = Subject {
            item: &item,
            session: &session,
            survey: None,
        };
        let mut rows = BTreeMap::new();
        let mut score_by = |scorer, output| {
            let index = self.wanted.scorers.resolve(scorer, output).ok()?;
            if !rows.contains_key(scorer) {
                rows.insert(scorer, row(&mut **workers.get_mut(scorer)?, subject)?);
            }
            let number = rows.get(scorer)?.number(index);
            number.filter(|score| score.is_finite())
        };
        for named in self.wanted.bounds.iter() {
            if !named.setting.hold(score_by(named.scorer, named.output)?) {
                return None;
            }
        }
        let score = match self.wanted.score.as_deref().map(split) {
            Some((scorer, output)) => Some(score_by(scorer, output)?),
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
        let bounds = self.wanted.bounds.iter().map(|named| named.scorer);
        let score = self.wanted.score.as_deref().map(|name| split(name).0);
        bounds
            .chain(score)
            .filter_map(|name| Some((name, self.wanted.scorers.get(name)?.worker())))
            .collect()
    }

    /// The best of each platform; a platform without any has an empty list.
    pub(super) fn lists(mut self) -> BTreeMap<Platform, Vec<Candidate>> {
        let value = |found: &Found| Score::new(found.candidate.score.unwrap_or_default());
        self.found
            .sort_by_key(|found| Reverse((value(found), found.created_at)));
        let mut lists: BTreeMap<Platform, List> = Platform::ALL
            .iter()
            .map(|&platform| (platform, List::default()))
            .collect();
        for found in self.found {
            let list = lists.entry(found.platform).or_default();
            list.offer(found, &self.wanted);
        }
        let candidates = |(platform, list): (Platform, List)| (platform, list.candidates);
        lists.into_iter().map(candidates).collect()
    }
}

/// Returns what a scorer makes of one item, if it can be scored.
fn row(worker: &mut dyn Worker, subject: Subject<'_>) -> Option<ScoreRow> {
    worker.score(&[subject]).pop()?.ok()
}

/// The best of one platform.
#[derive(Default)]
struct List {
    candidates: Vec<Candidate>,
    bytes: usize,
    posts_of: HashMap<String, usize>,
}

impl List {
    /// Takes a post if there is room for it and for its author.
    fn offer(&mut self, found: Found, wanted: &RefreshCandidates) {
        let posts = self.posts_of.entry(found.author).or_default();
        if self.candidates.len() >= wanted.n || *posts >= wanted.per_author {
            return;
        }
        let bytes = self.bytes + json!(found.candidate).to_string().len() + 1;
        if bytes <= MOST_BYTES {
            *posts += 1;
            self.bytes = bytes;
            self.candidates.push(found.candidate);
        }
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
