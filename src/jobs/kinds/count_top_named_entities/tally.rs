//! The entities of posts, counted.

use std::collections::{BTreeMap, HashSet};

use foldhash::fast::RandomState;
use weir_entities::{EntityCounts, Extractor, Scratch};
use xxhash_rust::xxh3::Xxh3;

use crate::db::{Bucket, BucketCounts, Fingerprint, PostSpan, WalkedPost};
use crate::jobs::{JobContext, JobError};
use crate::priority;

/// Counts of entities by bucket. A post counts once in a bucket, however many people saw it: by its first row in the order
/// in which the database walks them.
#[derive(Default)]
pub(super) struct Tally {
    /// Hashes of what was counted, eight bytes a post.
    seen: HashSet<u64, RandomState>,
    buckets: BTreeMap<Bucket, (Fingerprint, EntityCounts)>,
    scratch: Scratch,
}

impl Tally {
    /// Counts further posts.
    pub(super) fn with(mut self, posts: Vec<WalkedPost>) -> Self {
        for post in posts {
            priority::give_way();
            let is_new = self.is_new(&post);
            let (fingerprint, counts) = self.buckets.entry(post.bucket).or_default();
            fingerprint.add(post.version);
            if is_new {
                counts.add_names(Extractor::bundled().names(&post.text, &mut self.scratch));
            }
        }
        self
    }

    /// Counts the posts of a span for which `is_meant` holds, on a blocking thread, and adds their number to `done`. The next
    /// page is read in the meantime, if the database gives way to those that serve; if not, afterwards, so that they keep a
    /// core to themselves.
    pub(super) async fn with_span(
        mut self,
        context: &JobContext,
        span: PostSpan,
        is_meant: impl Fn(&WalkedPost) -> bool,
        done: &mut u64,
    ) -> Result<Self, JobError> {
        let database = context.database();
        let mut walk = database.walk_posts(span);
        let mut page = walk.next().await?;
        while let Some(mut posts) = page {
            context.check_cancelled()?;
            posts.retain(&is_meant);
            *done += posts.len() as u64;
            let counted = context.run_blocking(move || self.with(posts));
            let (counted, next) = if database.gives_way() {
                tokio::join!(counted, walk.next())
            } else {
                (counted.await, walk.next().await)
            };
            (self, page) = (counted?, next?);
            context.report_progress(*done, None);
        }
        Ok(self)
    }

    fn is_new(&mut self, post: &WalkedPost) -> bool {
        let Some(post_id) = &post.post_id else {
            return true;
        };
        let mut hash = Xxh3::new();
        for part in [post.bucket.hour.as_str(), &post.bucket.platform, post_id] {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        }
        self.seen.insert(hash.digest())
    }

    /// Takes the counts of a bucket out.
    pub(super) fn take(&mut self, bucket: &Bucket) -> EntityCounts {
        let taken = self.buckets.remove(bucket);
        taken.map(|(_, counts)| counts).unwrap_or_default()
    }

    /// Returns the counts of each bucket, packed.
    pub(super) fn packed(self) -> Vec<BucketCounts> {
        let packed = |(bucket, (fingerprint, counts)): (Bucket, (Fingerprint, EntityCounts))| {
            BucketCounts::new(bucket, fingerprint, &counts)
        };
        self.buckets.into_iter().map(packed).collect()
    }
}
