use std::borrow::Cow;

use super::entity::{Column, Entity};
use crate::db::{Database, DbError, TimeRange};
use sea_orm::{
    ConnectionTrait, ExprTrait, Order,
    sea_query::{Expr, Func, Query},
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Which posts; the default is all of them.
#[derive(Clone, Debug, Default)]
pub struct PostFilter {
    /// By `created_at`; with a bound, rows without a time are left out.
    pub created: TimeRange,
    /// By platform.
    pub platform: Option<String>,
}

/// What a post says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostText {
    /// The row's key.
    pub id: i64,
    /// The item's id.
    pub post_id: Option<String>,
    /// `facebook`, `reddit` or `twitter`.
    pub platform: Option<String>,
    /// The item's title.
    pub title: Option<String>,
    /// The item's text.
    pub text: Option<String>,
}

impl PostText {
    /// Returns what entity extraction reads: the title, a newline and the text, or the one there is.
    pub fn analysed_text(&self) -> Cow<'_, str> {
        analysed_text(self.title.as_deref(), self.text.as_deref())
    }
}

/// The part of a stored item that is read. A blob of another writer may be anything: what is no text is absent.
#[derive(Default, Deserialize)]
struct ItemText {
    #[serde(default, deserialize_with = "text_or_none")]
    title: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    text: Option<String>,
}

impl ItemText {
    fn parse(blob: &str) -> Self {
        serde_json::from_str(blob).unwrap_or_default()
    }
}

/// Returns what entity extraction reads of a stored item.
pub(in crate::db) fn analysed_text_of(blob: &str) -> String {
    let ItemText { title, text } = ItemText::parse(blob);
    analysed_text(title.as_deref(), text.as_deref()).into_owned()
}

fn analysed_text<'t>(title: Option<&'t str>, text: Option<&'t str>) -> Cow<'t, str> {
    let text = text.unwrap_or_default();
    match title {
        None | Some("") => text.into(),
        Some(title) => format!("{title}\n{text}").into(),
    }
}

fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// A walk over posts in the order of their keys, a page in memory at a time. Each page is a read of its own, so a long
/// walk holds no snapshot; rows added after it began are not visited.
#[derive(Debug)]
pub struct PostPages {
    database: Database,
    filter: PostFilter,
    page_size: u64,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    NotBegun,
    /// The keys `after < id <= last`.
    Keys {
        after: i64,
        last: i64,
    },
    Nothing,
}

impl Database {
    /// Begins a walk over the posts that pass the filter.
    pub fn post_pages(&self, filter: PostFilter, page_size: u64) -> PostPages {
        PostPages {
            database: self.clone(),
            filter,
            page_size,
            rest: Rest::NotBegun,
        }
    }
}

impl PostPages {
    /// The next posts, at most a page, never none; `None` after the last. After an error the same page may be tried again.
    pub async fn next(&mut self) -> Result<Option<Vec<PostText>>, DbError> {
        if let Rest::NotBegun = self.rest {
            self.rest = self.all_keys().await?;
        }
        let Rest::Keys { after, last } = self.rest else {
            return Ok(None);
        };
        let page = self.page(after, last).await?;
        let is_last = (page.len() as u64) < self.page_size;
        self.rest = match page.last() {
            Some(post) if !is_last => Rest::Keys {
                after: post.id,
                last,
            },
            _ => Rest::Nothing,
        };
        Ok((!page.is_empty()).then_some(page))
    }

    /// The span of keys that the range covers, by the index on `created_at`.
    async fn all_keys(&self) -> Result<Rest, DbError> {
        let key = || Expr::col(Column::Id).cast_as("bigint");
        let created = self
            .filter
            .created
            .indexed_condition(self.database.backend());
        let statement = Query::select()
            .expr(Func::min(key()))
            .expr(Func::max(key()))
            .from(Entity)
            .cond_where(created)
            .to_owned();
        let row = self.database.reader().query_one(&statement).await?;
        let (first, last): (Option<i64>, Option<i64>) = match row {
            Some(row) => (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
            None => (None, None),
        };
        Ok(match (first, last) {
            (Some(first), Some(last)) => Rest::Keys {
                after: first.saturating_sub(1),
                last,
            },
            _ => Rest::Nothing,
        })
    }

    async fn page(&self, after: i64, last: i64) -> Result<Vec<PostText>, DbError> {
        let key = || Expr::col(Column::Id);
        let platform = self.filter.platform.as_deref();
        let statement = Query::select()
            .expr(key().cast_as("bigint"))
            .columns([Column::PostId, Column::Platform])
            .expr(Expr::col(Column::PostBlob).cast_as("text"))
            .from(Entity)
            .and_where(key().gt(after))
            .and_where(key().lte(last))
            // Not by the index, which would sort the whole range for every page.
            .cond_where(self.filter.created.condition(self.database.backend()))
            .and_where_option(platform.map(|name| Expr::col(Column::Platform).eq(name)))
            .order_by(Column::Id, Order::Asc)
            .limit(self.page_size)
            .to_owned();
        let rows = self.database.reader().query_all(&statement).await?;
        rows.iter()
            .map(|row| {
                let blob: Option<String> = row.try_get_by_index(3)?;
                let ItemText { title, text } =
                    blob.as_deref().map(ItemText::parse).unwrap_or_default();
                Ok(PostText {
                    id: row.try_get_by_index(0)?,
                    post_id: row.try_get_by_index(1)?,
                    platform: row.try_get_by_index(2)?,
                    title,
                    text,
                })
            })
            .collect()
    }
}
