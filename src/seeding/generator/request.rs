use chrono::TimeDelta;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::TextGenerator;
use super::super::vocabulary::{ORGANISATIONS, PEOPLE, PLACES};
use super::timeline::newest;
use weir_feed::fake::FakeFeed;
use weir_feed::{Platform, RankRequest};

/// Ranks in the feed whose posts name one of the commonest names of all generated data.
const NAMING_RANKS: [usize; 5] = [0, 1, 3, 4, 7];
const POSTS: usize = 15;
/// From this rank on a name is too rare to be among the commonest of any sample.
const RARE: usize = 25;

/// A feed to try a ranking on: fifteen posts, of which five, near the top, name somebody or something that the generated
/// data names most. The others name nobody, or a name that is rare.
pub fn sample_request(seed: u64, platform: Platform) -> RankRequest {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut text = TextGenerator::new(seed);
    let feed = FakeFeed {
        posts: POSTS,
        comments: 0,
        platform,
        now: newest(),
    };
    let mut request = feed.request(&mut rng);
    let mut commonest = [PEOPLE, ORGANISATIONS, PLACES]
        .into_iter()
        .flat_map(|names| &names[..2])
        .cycle();
    for (rank, item) in request.items.iter_mut().enumerate() {
        let length = rng.random_range(40..160);
        item.text = match rank {
            rank if NAMING_RANKS.contains(&rank) => {
                text.post_naming(commonest.next().copied().unwrap_or_default(), length)
            }
            rank if rank % 4 == 2 => text.post_naming(PEOPLE[RARE + rank], length),
            _ => text.plain_post(length),
        };
        item.title = item.title.take().map(|_| text.plain_title());
        item.created_at = newest() - TimeDelta::minutes(rng.random_range(1..3000));
    }
    request
}
