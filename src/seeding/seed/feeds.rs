use chrono::{DateTime, Utc};

use super::super::SeedingError;
use super::UserPool;
use super::feed_builder::FeedBuilder;
use super::plan::{Plan, PlanRow};
use super::post::new_post;
use super::survey::Survey;
use crate::db::NewPost;
use weir_feed::{ContentItem, Platform};

/// Who is said to have seen everything, without a pool.
const ONE_USER: &str = "user";

/// Who sees which item, when.
pub(super) enum Feeds {
    /// One user, now; each item as it was written.
    OneUser { now: DateTime<Utc> },
    /// The users of each platform that has any.
    Pool(Vec<(Platform, FeedBuilder)>),
}

impl Feeds {
    pub(super) fn new(
        pool: Option<&UserPool>,
        surveys: &[Survey],
        now: DateTime<Utc>,
    ) -> Result<Self, SeedingError> {
        let Some(pool) = pool else {
            return Ok(Self::OneUser { now });
        };
        let items: Vec<_> = surveys
            .iter()
            .map(|survey| (survey.file.platform, survey.items))
            .collect();
        Ok(Self::Pool(pool.feed_builders(&items, now)?))
    }

    /// The post that the next item of this platform becomes; `None` where nobody reads it.
    pub(super) fn post(
        &mut self,
        platform: Platform,
        mut item: ContentItem,
    ) -> Result<Option<NewPost>, SeedingError> {
        match self {
            Self::OneUser { now } => new_post(item, platform, ONE_USER, *now).map(Some),
            Self::Pool(builders) => {
                let builder = builders.iter_mut().find(|(known, _)| *known == platform);
                let Some((_, builder)) = builder else {
                    return Ok(None);
                };
                let place = builder.place(&mut item);
                new_post(item, platform, place.user, place.session).map(Some)
            }
        }
    }

    pub(super) fn plan(&self, surveys: &[Survey]) -> Plan {
        let rows = match self {
            Self::OneUser { .. } => surveys
                .iter()
                .map(|survey| {
                    let mut row = PlanRow::new(survey.file.platform, None);
                    row.add(1, survey.items);
                    row
                })
                .collect(),
            Self::Pool(builders) => builders
                .iter()
                .flat_map(|(platform, builder)| builder.plan(*platform))
                .collect(),
        };
        Plan { rows }
    }
}
