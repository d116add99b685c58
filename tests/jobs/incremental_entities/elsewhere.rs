//! Runs of another process.

use std::collections::{BTreeMap, HashSet};

use weir::db::{Arrivals, ChangedHours, Database, Hour, HourCounts, PostSpan, Said, TimeRange};
use weir_entities::{EntityCounts, Extractor, PostNames, Scratch};

use super::steps::model;

/// What a run of another process does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Other {
    ReadArrivals,
    AddArrivals,
    TakeHours,
    CountHours,
    KeepHours,
}

/// A run of another process, which may be as slow as it likes, and never come to its end.
#[derive(Default)]
pub(super) struct Elsewhere {
    pub(super) arrivals: Vec<(Arrivals, Vec<HourCounts>)>,
    pub(super) hours: ChangedHours,
    pub(super) counts: Vec<HourCounts>,
}

impl Elsewhere {
    pub(super) async fn go_on(&mut self, step: Other, database: &Database) {
        match step {
            Other::ReadArrivals => {
                database.track_hours().await.unwrap();
                for day in database.arrivals().await.unwrap().by_day() {
                    let counts = counts_of(database, PostSpan::Keys(day.posts())).await;
                    self.arrivals.push((day, counts));
                }
            }
            Other::AddArrivals => {
                for (arrivals, counts) in std::mem::take(&mut self.arrivals) {
                    let added = database.add_counts(&arrivals, &counts, model());
                    added.await.unwrap();
                }
            }
            Other::TakeHours => {
                database.track_hours().await.unwrap();
                *self = Self {
                    hours: database.take_changed_hours(model()).await.unwrap(),
                    arrivals: std::mem::take(&mut self.arrivals),
                    counts: Vec::new(),
                };
                self.count(database).await;
            }
            Other::CountHours => self.count(database).await,
            Other::KeepHours => {
                let (changed, counts) = (&self.hours, &self.counts);
                for hours in changed.by_day() {
                    let kept = database.keep_counts(&hours, counts, model(), changed);
                    kept.await.unwrap();
                }
            }
        }
    }

    async fn count(&mut self, database: &Database) {
        let everything = PostSpan::Of(TimeRange::default());
        self.counts = counts_of(database, everything).await;
        self.counts
            .extend(counts_of(database, PostSpan::WithoutTime).await);
    }
}

/// The counts of posts by hour and platform.
pub(super) async fn counts_of(database: &Database, span: PostSpan) -> Vec<HourCounts> {
    let mut posts = database.hour_posts(span, model(), 1_000);
    let (mut seen, mut counts) = (HashSet::new(), BTreeMap::<_, EntityCounts>::new());
    while let Some(page) = posts.next().await.unwrap() {
        for post in page {
            if !seen.insert((post.hour.clone(), post.platform.clone(), post.post_id)) {
                continue;
            }
            let names = match &post.said {
                Said::Names(names) => PostNames::from_bytes(names),
                Said::Text(text) => {
                    PostNames::of(Extractor::bundled().names(text, &mut Scratch::default()))
                }
            };
            let at = (post.hour, post.platform);
            counts.entry(at).or_default().add_names(&names);
        }
    }
    let packed =
        |((hour, platform), counts): ((Hour, String), _)| HourCounts::new(hour, platform, &counts);
    counts.into_iter().map(packed).collect()
}
