use std::collections::{BTreeMap, HashSet};

use foldhash::fast::RandomState;
use xxhash_rust::xxh3::Xxh3;

use crate::{
    db::{FoundNames, Hour, HourCounts, HourPost, Said},
    priority,
};
use weir_entities::{EntityCounts, Extractor, PostNames, Scratch};

/// Counts the entities of posts by hour and platform. A post counts once in an hour, however many people saw it: by its
/// first row as the database walks them.
#[derive(Default)]
pub(super) struct HourTally {
    /// Hashes of what was counted, eight bytes a post.
    seen: HashSet<u64, RandomState>,
    counts: BTreeMap<(Hour, String), EntityCounts>,
    found: Vec<FoundNames>,
    scratch: Scratch,
}

impl HourTally {
    pub(super) fn count(&mut self, posts: Vec<HourPost>) {
        for post in posts {
            priority::give_way();
            if !self.is_new(&post) {
                continue;
            }
            let names = match &post.said {
                Said::Names(names) => PostNames::from_bytes(names),
                Said::Text(text) => {
                    let texts = Extractor::bundled().names(text, &mut self.scratch);
                    let names = PostNames::of(texts);
                    self.found.push(FoundNames::new(&post, names.to_bytes()));
                    names
                }
            };
            let at = (post.hour, post.platform);
            self.counts.entry(at).or_default().add_names(&names);
        }
    }

    fn is_new(&mut self, post: &HourPost) -> bool {
        let Some(post_id) = &post.post_id else {
            return true;
        };
        let mut hash = Xxh3::new();
        for part in [post.hour.as_str(), &post.platform, post_id] {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        }
        self.seen.insert(hash.digest())
    }

    /// The names that were not known before, as far as they have not been taken.
    pub(super) fn take_found(&mut self) -> Vec<FoundNames> {
        std::mem::take(&mut self.found)
    }

    /// The counts by hour and platform.
    pub(super) fn packed(&self) -> Vec<HourCounts> {
        let packed = |((hour, platform), counts): (&(Hour, String), &EntityCounts)| {
            HourCounts::new(hour.clone(), platform.clone(), counts)
        };
        self.counts.iter().map(packed).collect()
    }
}
