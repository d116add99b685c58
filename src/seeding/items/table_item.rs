use super::super::preprocess::{Reason, Row};
use weir_feed::{
    ContentItem, Engagements, FacebookEngagements, ItemKind, Platform, RedditEngagements,
    TwitterEngagements, parse_timestamp,
};

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

/// The item of a row with [`COLUMNS`] and as many of [`OPTIONAL_COLUMNS`] as there are.
pub(super) fn item(row: &Row<'_>, platform: Platform) -> Result<ContentItem, Reason> {
    row.check_shape()?;
    let optional = |place: usize| {
        let text = row.get(FIRST_OPTIONAL + place)?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    };
    let (id, text, title) = (row.get(0)?, row.get(1)?, optional(0)?);
    if id.is_empty() || text.is_empty() && title.is_none() {
        return Err(Reason::NoContent);
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
            _ => return Err(Reason::UnknownType),
        },
        embedded_urls: Vec::new(),
        created_at: parse_timestamp(row.get(4)?).ok_or(Reason::UnparseableTime)?,
        engagements: engagements(row, platform)?,
        language: None,
    })
}

fn engagements(row: &Row<'_>, platform: Platform) -> Result<Engagements, Reason> {
    let count = |place: usize| row.count(FIRST_OPTIONAL + place);
    let votes = |place: usize| row.number(FIRST_OPTIONAL + place);
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

/// Votes below zero are an export's mistake.
fn score(score: i64, up: i64, down: i64) -> i64 {
    score.saturating_add(up.max(0)).saturating_sub(down.max(0))
}
