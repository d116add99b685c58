use chrono::{DateTime, Utc};
use weir_feed::{ContentItem, Platform};

use super::feed_builder::FeedBuilder;
use super::{PoolError, SeedPlan, SeedPlanRow, UserPool};

/// Id of the user who sees all items if there is no pool.
const SINGLE_USER_ID: &str = "user";

/// Item as a user saw it in a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Impression {
    /// Platform of the item.
    pub platform: Platform,
    /// Id of the user.
    pub user_id: String,
    /// Time of the session.
    pub session_timestamp: DateTime<Utc>,
    /// Item, with the time and position that it has in the session.
    pub item: ContentItem,
}

/// Assignment of items to the sessions of users.
pub(super) enum Feeds {
    /// A single user who sees every item now, as it was written.
    SingleUser { now: DateTime<Utc> },
    /// Users of each platform that has any.
    Pool(Vec<FeedBuilder>),
}

impl Feeds {
    /// Creates the feeds of platforms with these numbers of items.
    pub(super) fn new(
        pool: Option<&UserPool>,
        items: &[(Platform, u64)],
        now: DateTime<Utc>,
    ) -> Result<Self, PoolError> {
        Ok(match pool {
            None => Self::SingleUser { now },
            Some(pool) => Self::Pool(pool.feed_builders(items, now)?),
        })
    }

    /// Assigns the next item of `platform` to a session, or returns `None` if the platform has no users.
    pub(super) fn assign(&mut self, platform: Platform, item: ContentItem) -> Option<Impression> {
        match self {
            Self::SingleUser { now } => Some(Impression {
                platform,
                user_id: SINGLE_USER_ID.to_owned(),
                session_timestamp: *now,
                item,
            }),
            Self::Pool(builders) => builders
                .iter_mut()
                .find(|builder| builder.platform() == platform)
                .map(|builder| builder.assign(item)),
        }
    }

    pub(super) fn plan(&self, items: &[(Platform, u64)]) -> SeedPlan {
        let rows = match self {
            Self::SingleUser { .. } => items
                .iter()
                .map(|&(platform, items)| {
                    let mut row = SeedPlanRow::new(platform, None);
                    row.add_user(1, items);
                    row
                })
                .collect(),
            Self::Pool(builders) => builders.iter().flat_map(FeedBuilder::plan).collect(),
        };
        SeedPlan { rows }
    }
}
