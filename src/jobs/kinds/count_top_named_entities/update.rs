//! The stored counts of entities, brought up to date.

use tokio::sync::Mutex;

use super::tally::Tally;
use crate::db::{Bucket, BucketCounts, CountChanges, PostSpan, TimeRange, WalkedPost};
use crate::jobs::{JobContext, JobError};
use crate::priority;

/// Buckets whose counts are added to at once.
const BUCKETS_AT_ONCE: usize = 64;

/// Held by the run that brings the counts up to date: another waits and finds little left to do.
static COUNTING: Mutex<()> = Mutex::const_new(());

/// One update of the counts by an entity model.
struct Update<'c> {
    context: &'c JobContext,
    model: i64,
    posts_counted: u64,
}

/// Compares the posts with the stored counts, adds new posts to those and counts dirty buckets again.
pub(super) async fn bring_up_to_date(context: &JobContext, model: i64) -> Result<(), JobError> {
    let counting = COUNTING.lock();
    let _counting = context.cancellation().run_until_cancelled(counting).await;
    context.check_cancelled()?;
    let mut update = Update {
        context,
        model,
        posts_counted: 0,
    };
    let (mut changes, added) = update.compare().await?;
    let failed = update.add(&changes, added).await?;
    changes.dirty.extend(failed);
    // They are in the order of their hours.
    let dirty: Vec<Bucket> = changes.dirty.into_iter().collect();
    for day in dirty.chunk_by(|one, other| one.hour.day() == other.hour.day()) {
        update.recount(day, changes.last_id).await?;
    }
    Ok(())
}

impl Update<'_> {
    /// Returns what is to be done, and the counts of the posts that are to be added.
    async fn compare(&mut self) -> Result<(CountChanges, Tally), JobError> {
        let context = self.context;
        let snapshot = context.database().count_snapshot(self.model);
        let snapshot = context.cancellation().run_until_cancelled(snapshot).await;
        let mut snapshot = snapshot.ok_or(JobError::Cancelled)??;
        let mut tally = Tally::default();
        while let Some(posts) = snapshot.next_inserts().await? {
            context.check_cancelled()?;
            self.posts_counted += posts.len() as u64;
            context.report_progress(self.posts_counted, None);
            tally = context.run_blocking(move || tally.with(posts)).await?;
        }
        Ok((snapshot.into_changes(), tally))
    }

    /// Adds counts to those that are stored, and returns the buckets where that was impossible.
    async fn add(&self, changes: &CountChanges, mut added: Tally) -> Result<Vec<Bucket>, JobError> {
        let database = self.context.database();
        let inserts: Vec<_> = changes.inserts.iter().collect();
        let mut failed = Vec::new();
        for inserts in inserts.chunks(BUCKETS_AT_ONCE) {
            self.context.check_cancelled()?;
            let buckets: Vec<Bucket> = inserts
                .iter()
                .map(|(bucket, _)| (*bucket).clone())
                .collect();
            let stored = database.counts_to_extend(&buckets).await?;
            let added: Vec<_> = inserts
                .iter()
                .map(|(bucket, inserts)| ((*bucket).clone(), **inserts, added.take(bucket)))
                .collect();
            let extend = move || {
                let extended = added.into_iter().map(|(bucket, inserts, added)| {
                    priority::give_way();
                    stored.extended(&bucket, inserts, added).ok_or(bucket)
                });
                extended.collect::<Vec<Result<BucketCounts, Bucket>>>()
            };
            let extended = self.context.run_blocking(extend).await?;
            let (mut buckets, mut counts) = (Vec::new(), Vec::new());
            for extended in extended {
                match extended {
                    Ok(extended) => {
                        buckets.push(extended.bucket.clone());
                        counts.push(extended);
                    }
                    Err(bucket) => failed.push(bucket),
                }
            }
            database
                .store_counts(&buckets, &counts, self.model, changes.last_id)
                .await?;
        }
        Ok(failed)
    }

    /// Counts all posts of some buckets of one day.
    async fn recount(&mut self, buckets: &[Bucket], last_id: i64) -> Result<(), JobError> {
        let mut tally = Tally::default();
        for hours in buckets.chunk_by(|one, other| one.hour.is_followed_by(&other.hour)) {
            let is_dirty = |post: &WalkedPost| hours.contains(&post.bucket);
            let counted =
                tally.with_span(self.context, span(hours), is_dirty, &mut self.posts_counted);
            tally = counted.await?;
        }
        let counts = self.context.run_blocking(move || tally.packed()).await?;
        let database = self.context.database();
        let stored = database.store_counts(buckets, &counts, self.model, last_id);
        Ok(stored.await?)
    }
}

/// The time from the first to the last of the hours of some buckets.
fn span(buckets: &[Bucket]) -> PostSpan {
    let first = buckets.first().and_then(|bucket| bucket.hour.range());
    let last = buckets.last().and_then(|bucket| bucket.hour.range());
    match (first, last) {
        (Some(first), Some(last)) => PostSpan::Within(TimeRange {
            from: first.from,
            to: last.to,
        }),
        _ => PostSpan::WithoutTime,
    }
}
