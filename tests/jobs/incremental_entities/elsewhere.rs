//! Runs of another process.

use std::collections::{BTreeMap, HashSet};

use weir::db::{
    Bucket, BucketCounts, CountChanges, Database, Fingerprint, PostSpan, TimeRange, WalkedPost,
};
use weir_entities::{EntityCounts, Extractor, Scratch};

use super::steps::model;

/// What a run of another process does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Other {
    Compare,
    Extend,
    StoreExtended,
    Recount,
    StoreRecounted,
}

/// A run of another process, which may be as slow as it likes, and never come to its end.
#[derive(Default)]
pub(super) struct Elsewhere {
    pub(super) changes: CountChanges,
    added: BTreeMap<Bucket, EntityCounts>,
    extended: Vec<BucketCounts>,
    pub(super) recounted: Vec<BucketCounts>,
}

impl Elsewhere {
    pub(super) async fn go_on(&mut self, step: Other, database: &Database) {
        match step {
            Other::Compare => {
                let mut snapshot = database.count_snapshot(model()).await.unwrap();
                let mut tally = Tally::default();
                while let Some(posts) = snapshot.next_inserts().await.unwrap() {
                    tally.count(posts);
                }
                let counts = tally.buckets.into_iter();
                *self = Self {
                    changes: snapshot.into_changes(),
                    added: counts
                        .map(|(bucket, (_, counts))| (bucket, counts))
                        .collect(),
                    ..Self::default()
                };
            }
            Other::Extend => {
                let buckets: Vec<Bucket> = self.changes.inserts.keys().cloned().collect();
                let stored = database.counts_to_extend(&buckets).await.unwrap();
                let extended = self.changes.inserts.iter().filter_map(|(bucket, inserts)| {
                    let added = self.added.get(bucket).cloned().unwrap_or_default();
                    stored.extended(bucket, *inserts, added)
                });
                self.extended = extended.collect();
            }
            Other::StoreExtended => {
                let buckets = self.extended.iter().map(|counts| counts.bucket.clone());
                let buckets: Vec<Bucket> = buckets.collect();
                self.store(&buckets, &self.extended, database).await;
            }
            Other::Recount => self.recounted = all_counts(database).await,
            Other::StoreRecounted => {
                let dirty: Vec<Bucket> = self.changes.dirty.iter().cloned().collect();
                let counts = self.recounted.iter();
                let counts = counts.filter(|counts| self.changes.dirty.contains(&counts.bucket));
                let counts: Vec<BucketCounts> = counts.cloned().collect();
                self.store(&dirty, &counts, database).await;
            }
        }
    }

    async fn store(&self, buckets: &[Bucket], counts: &[BucketCounts], database: &Database) {
        let last_id = self.changes.last_id;
        let stored = database.store_counts(buckets, counts, model(), last_id);
        stored.await.unwrap();
    }
}

/// The counts of all posts by hour and platform.
pub(super) async fn all_counts(database: &Database) -> Vec<BucketCounts> {
    let mut tally = Tally::default();
    for span in [
        PostSpan::Within(TimeRange::default()),
        PostSpan::WithoutTime,
    ] {
        let mut walk = database.walk_posts(span);
        while let Some(posts) = walk.next().await.unwrap() {
            tally.count(posts);
        }
    }
    let counts = tally.buckets.into_iter();
    let packed = |(bucket, (fingerprint, counts)): (_, (_, EntityCounts))| {
        BucketCounts::new(bucket, fingerprint, &counts)
    };
    counts.map(packed).collect()
}

#[derive(Default)]
struct Tally {
    seen: HashSet<(Bucket, String)>,
    buckets: BTreeMap<Bucket, (Fingerprint, EntityCounts)>,
}

impl Tally {
    fn count(&mut self, posts: Vec<WalkedPost>) {
        for post in posts {
            let (fingerprint, counts) = self.buckets.entry(post.bucket.clone()).or_default();
            fingerprint.add(post.version);
            let is_new = post
                .post_id
                .is_none_or(|id| self.seen.insert((post.bucket, id)));
            if is_new {
                let mut scratch = Scratch::default();
                counts.add_names(Extractor::bundled().names(&post.text, &mut scratch));
            }
        }
    }
}
