use weir_feed::{
    ContentItem, Engagements, FacebookEngagements, ItemKind, Platform, RedditEngagements,
    TwitterEngagements, parse_timestamp,
};

use crate::DropReason;
use crate::input::Row;

pub(super) const COLUMNS: [&str; 5] = ["id", "text", "author_name_hash", "type", "created_at"];
pub(super) const OPTIONAL_COLUMNS: [&str; 16] = [
    "title",
    "post_id",
    "parent_id",
    "like",
    "love",
    "care",
    "haha",
    "wow",
    "sad",
    "angry",
    "comment",
    "share",
    "retweet",
    "score",
    "upvotes",
    "downvotes",
];
const FIRST_OPTIONAL: usize = COLUMNS.len();

/// Parses a row with [`COLUMNS`] and any of [`OPTIONAL_COLUMNS`].
pub(super) fn item_from_row(row: &Row<'_>, platform: Platform) -> Result<ContentItem, DropReason> {
    row.check_shape()?;
    let optional = |column: usize| {
        let text = row.get(FIRST_OPTIONAL + column)?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    };
    let (id, text, title) = (row.get(0)?, row.get(1)?, optional(0)?);
    if id.is_empty() || text.is_empty() && title.is_none() {
        return Err(DropReason::NoContent);
    }
    Ok(ContentItem {
        id: id.to_owned(),
        original_rank: None,
        post_id: optional(1)?,
        parent_id: optional(2)?,
        title,
        text: text.to_owned(),
        author_name_hash: row.get(2)?.to_owned(),
        kind: match row.get(3)?.to_ascii_lowercase().as_str() {
            "post" => ItemKind::Post,
            "comment" => ItemKind::Comment,
            _ => return Err(DropReason::UnknownType),
        },
        embedded_urls: Vec::new(),
        created_at: parse_timestamp(row.get(4)?).ok_or(DropReason::UnparseableTime)?,
        engagements: engagements(row, platform)?,
        language: None,
    })
}

fn engagements(row: &Row<'_>, platform: Platform) -> Result<Engagements, DropReason> {
    let count = |column: usize| row.count(FIRST_OPTIONAL + column);
    let votes = |column: usize| row.number(FIRST_OPTIONAL + column);
    let (like, comment, share) = (count(3)?, count(10)?, count(11)?);
    Ok(match platform {
        Platform::Facebook => Engagements::Facebook(FacebookEngagements {
            like,
            love: count(4)?,
            care: count(5)?,
            haha: count(6)?,
            wow: count(7)?,
            sad: count(8)?,
            angry: count(9)?,
            comment,
            share,
        }),
        Platform::Reddit => Engagements::Reddit(RedditEngagements {
            score: Some(score(votes(13)?, votes(14)?, votes(15)?)),
            comment,
            ..RedditEngagements::default()
        }),
        Platform::Twitter => Engagements::Twitter(TwitterEngagements {
            retweet: count(12)?,
            like,
            comment,
            share,
        }),
    })
}

/// Adds the votes to the score; negative votes are a mistake of the export and ignored.
fn score(score: i64, up: i64, down: i64) -> i64 {
    score.saturating_add(up.max(0)).saturating_sub(down.max(0))
}
