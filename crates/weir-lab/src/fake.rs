//! Fake requests and responses for tests and first calls.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use uuid::Builder;
use weir_feed::{
    ContentItem, Engagements, FacebookEngagements, ItemKind, Metadata, NewItem, Platform,
    RankRequest, RankResponse, RedditEngagements, Session, TwitterEngagements,
};

use crate::TextGenerator;
use crate::generator::newest_post;
use crate::vocabulary::{ORGANISATIONS, PEOPLE, PLACES};

const WORDS: &[&str] = &[
    "and", "bright", "coffee", "does", "evening", "finally", "garden", "happy", "idea", "just",
    "keeps", "letter", "morning", "never", "over", "people", "quiet", "rain", "somebody", "train",
    "under", "very", "with", "yellow",
];

/// Specification of a fake feed. The same random numbers give the same feed.
#[derive(Clone, Copy, Debug)]
pub struct FakeFeed {
    /// Number of posts.
    pub posts: usize,
    /// Number of comments on each post, each of which replies to the one before it.
    pub comments: usize,
    /// Platform, which determines the kind of the engagements.
    pub platform: Platform,
    /// Time of the session; the items are up to a week older.
    pub now: DateTime<Utc>,
}

impl FakeFeed {
    /// Returns a valid request with all posts first, then their comments.
    pub fn request(&self, rng: &mut impl Rng) -> RankRequest {
        let posts: Vec<_> = (0..self.posts)
            .map(|_| self.item(rng, ItemKind::Post, None, None))
            .collect();
        let comments: Vec<_> = posts
            .iter()
            .flat_map(|post| self.thread(rng, &post.id))
            .collect();
        let mut items = posts;
        items.extend(comments);
        for (rank, item) in (0..).zip(&mut items) {
            item.original_rank = Some(rank);
        }
        RankRequest {
            session: self.session(rng),
            survey: None,
            items,
        }
    }

    /// Returns a response to `request`: its items in reverse order, followed by `new_items` new ones.
    pub fn response<'a>(
        &self,
        rng: &mut impl Rng,
        request: &'a RankRequest,
        new_items: usize,
    ) -> RankResponse<'a> {
        let new_items: Vec<_> = (0..new_items).map(|_| self.new_item(rng)).collect();
        let old_ids = request
            .distinct_items()
            .into_iter()
            .rev()
            .map(|index| Cow::Borrowed(request.items[index].id.as_str()));
        let new_ids = new_items.iter().map(|item| Cow::Owned(item.id.clone()));
        RankResponse {
            ranked_ids: old_ids.chain(new_ids).collect(),
            new_items,
            metadata: Metadata {
                intervention_on: true,
                ..Metadata::default()
            },
        }
    }

    fn session(&self, rng: &mut impl Rng) -> Session {
        Session {
            session_id: uuid(rng),
            user_id: uuid(rng),
            user_name_hash: hash(rng),
            cohort: None,
            cohort_index: Some(rng.random_range(0..4096)),
            platform: self.platform,
            url: format!("https://{}.com/", self.platform),
            current_time: self.now,
            prefetch: Some(false),
        }
    }

    fn thread(&self, rng: &mut impl Rng, post_id: &str) -> Vec<ContentItem> {
        let mut comments: Vec<ContentItem> = Vec::with_capacity(self.comments);
        for _ in 0..self.comments {
            let parent_id = comments.last().map(|comment| comment.id.clone());
            comments.push(self.item(rng, ItemKind::Comment, Some(post_id.to_owned()), parent_id));
        }
        comments
    }

    fn item(
        &self,
        rng: &mut impl Rng,
        kind: ItemKind,
        post_id: Option<String>,
        parent_id: Option<String>,
    ) -> ContentItem {
        let has_title = self.platform == Platform::Reddit && kind == ItemKind::Post;
        let urls = rng.random_range(0..3);
        ContentItem {
            id: uuid(rng),
            original_rank: None,
            post_id,
            parent_id,
            title: has_title.then(|| words(rng, 6)),
            text: words(rng, 20),
            author_name_hash: hash(rng),
            kind,
            embedded_urls: (0..urls)
                .map(|_| format!("https://example.org/{}", rng.random::<u16>()))
                .collect(),
            created_at: self.now - TimeDelta::seconds(rng.random_range(0..7 * 24 * 3600)),
            engagements: engagements(rng, self.platform),
            language: (self.platform == Platform::Twitter).then(|| "en".to_owned()),
        }
    }

    fn new_item(&self, rng: &mut impl Rng) -> NewItem {
        let id = uuid(rng);
        let url = format!("https://{}.com/{id}", self.platform);
        NewItem { id, url }
    }
}

fn engagements(rng: &mut impl Rng, platform: Platform) -> Engagements {
    let mut count = || rng.random_range(0..50);
    match platform {
        Platform::Facebook => Engagements::Facebook(FacebookEngagements {
            like: count(),
            love: count(),
            care: count(),
            haha: count(),
            wow: count(),
            sad: count(),
            angry: count(),
            comment: count(),
            share: count(),
        }),
        Platform::Reddit => Engagements::Reddit(RedditEngagements {
            upvote: None,
            downvote: None,
            score: Some(count().cast_signed() - 25),
            comment: count(),
            award: count(),
        }),
        Platform::Twitter => Engagements::Twitter(TwitterEngagements {
            retweet: count(),
            like: count(),
            comment: count(),
            share: count(),
        }),
    }
}

fn words(rng: &mut impl Rng, at_most: usize) -> String {
    let count = rng.random_range(3..=at_most);
    let words: Vec<_> = (0..count)
        .filter_map(|_| WORDS.choose(rng).copied())
        .collect();
    words.join(" ")
}

fn uuid(rng: &mut impl Rng) -> String {
    Builder::from_random_bytes(rng.random())
        .into_uuid()
        .to_string()
}

fn hash(rng: &mut impl Rng) -> String {
    format!("{:032x}{:032x}", rng.random::<u128>(), rng.random::<u128>())
}

/// Positions of the posts in a sample request that contain one of the most frequent names of all generated data.
const FREQUENT_NAME_POSITIONS: [usize; 5] = [0, 1, 3, 4, 7];
const SAMPLE_POSTS: usize = 15;
/// Names from this index on are too rare to be among the most frequent ones of any sample.
const FIRST_RARE_NAME: usize = 25;

/// Returns a request of fifteen posts, of which five near the top contain a name that is among the most frequent in
/// generated data. The others contain a rare name or none.
pub fn sample_request(seed: u64, platform: Platform) -> RankRequest {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut text = TextGenerator::new(seed);
    let feed = FakeFeed {
        posts: SAMPLE_POSTS,
        comments: 0,
        platform,
        now: newest_post(),
    };
    let mut request = feed.request(&mut rng);
    let mut frequent_names = [PEOPLE, ORGANISATIONS, PLACES]
        .into_iter()
        .flat_map(|names| &names[..2])
        .cycle();
    for (position, item) in request.items.iter_mut().enumerate() {
        let length = rng.random_range(40..160);
        item.text = match position {
            position if FREQUENT_NAME_POSITIONS.contains(&position) => {
                text.post_naming(frequent_names.next().copied().unwrap_or_default(), length)
            }
            position if position % 4 == 2 => {
                text.post_naming(PEOPLE[FIRST_RARE_NAME + position], length)
            }
            _ => text.plain_post(length),
        };
        item.title = item.title.take().map(|_| text.plain_title());
        item.created_at = newest_post() - TimeDelta::minutes(rng.random_range(1..3000));
    }
    request
}
