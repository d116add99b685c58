use sea_orm::{
    ConnectionTrait, DbBackend, ExprTrait, Order, QueryResult, Value,
    sea_query::{Alias, Condition, Expr, Query, SelectStatement},
};

use super::Hour;
use super::hour::hour_of;
use super::ids::list;
use crate::db::posts::{
    entity::{Column, Entity},
    says::analysed_text,
};
use crate::db::{Database, DbError, TimeRange};

/// Which posts to walk over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostSpan {
    /// Those of a time.
    Of(TimeRange),
    /// Those without a time.
    WithoutTime,
    /// Those with these keys.
    Keys(Vec<i64>),
}

impl PostSpan {
    /// Whether its posts are walked by time, not by key alone.
    fn is_by_time(&self) -> bool {
        matches!(self, Self::Of(_))
    }
}

/// A post and what is known of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourPost {
    /// The row's key.
    pub id: i64,
    /// The hour it was written in.
    pub hour: Hour,
    /// `facebook`, `reddit` or `twitter`; empty when it does not say.
    pub platform: String,
    /// The item's id.
    pub post_id: Option<String>,
    /// What it says.
    pub said: Said,
    /// Another after each change, where the database tells.
    pub(super) version: i64,
}

/// What a post says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The names found in it before, as they were kept.
    Names(Vec<u8>),
    /// Its title, a newline and its text.
    Text(String),
}

/// A walk over posts as the index on `created_at` has them, then by key: no walk of all posts, and no sort, for an hour.
#[derive(Debug)]
pub struct HourPosts {
    database: Database,
    span: PostSpan,
    model: i64,
    page_size: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Begin,
    After { created_at: Value, id: i64 },
    End,
}

impl Database {
    /// Begins a walk over the posts of a span, with the names that the entity model `model` found in them.
    pub fn hour_posts(&self, span: PostSpan, model: i64, page_size: u64) -> HourPosts {
        HourPosts {
            database: self.clone(),
            span,
            model,
            page_size,
            place: Place::Begin,
        }
    }
}

impl HourPosts {
    /// The next posts, at most a page, never none; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<HourPost>>, DbError> {
        let rows = match &self.place {
            Place::End => return Ok(None),
            Place::Begin => self.read(Condition::all(), self.page_size).await?,
            Place::After { created_at, id } => self.read_after(created_at.clone(), *id).await?,
        };
        self.place = match rows.last() {
            Some(last) if rows.len() as u64 == self.page_size => Place::After {
                created_at: self.created_at(last)?,
                id: last.try_get_by_index(0)?,
            },
            _ => Place::End,
        };
        let posts: Vec<HourPost> = rows.iter().map(post).collect::<Result<_, _>>()?;
        Ok((!posts.is_empty()).then_some(posts))
    }

    /// The rest of an instant first: the two conditions in one would not go by the index.
    async fn read_after(&self, created_at: Value, id: i64) -> Result<Vec<QueryResult>, DbError> {
        let greater_key = Expr::col(Column::Id).gt(id);
        if !self.span.is_by_time() {
            return self
                .read(Condition::all().add(greater_key), self.page_size)
                .await;
        }
        let column = || Expr::col(Column::CreatedAt);
        let same_time = Condition::all()
            .add(column().eq(created_at.clone()))
            .add(greater_key);
        let mut rows = self.read(same_time, self.page_size).await?;
        let missing = self.page_size - rows.len() as u64;
        if missing > 0 {
            let later = Condition::all().add(column().gt(created_at));
            rows.extend(self.read(later, missing).await?);
        }
        Ok(rows)
    }

    async fn read(&self, place: Condition, limit: u64) -> Result<Vec<QueryResult>, DbError> {
        let statement = self.statement(place, limit);
        Ok(self.database.reader().query_all(&statement).await?)
    }

    fn statement(&self, place: Condition, limit: u64) -> SelectStatement {
        let backend = self.database.backend();
        let (raw_time, version) = match backend {
            DbBackend::Sqlite => ("CAST(created_at AS TEXT)", "0"),
            _ => ("created_at", "CAST(CAST(posts.xmin AS text) AS bigint)"),
        };
        let hour = hour_of("created_at", backend);
        let span = match &self.span {
            PostSpan::Of(range) => range.indexed_condition(backend),
            PostSpan::Keys(keys) => Condition::all().add(is_among(keys, backend)),
            PostSpan::WithoutTime => Condition::all().add(Expr::cust(format!("{hour} = ''"))),
        };
        let kept = Condition::all()
            .add(Expr::cust("post = posts.id"))
            .add(Expr::col(Alias::new("model")).eq(self.model))
            .add(Expr::cust(format!("version = {version}")));
        let mut statement = Query::select();
        statement
            .expr(Expr::col(Column::Id).cast_as("bigint"))
            .expr(Expr::cust(raw_time))
            .expr(Expr::cust(hour))
            .expr(Expr::cust("COALESCE(platform, '')"))
            .column(Column::PostId)
            .expr(Expr::cust(version))
            .column(Alias::new("names"))
            .expr(Expr::cust(
                "CASE WHEN names IS NULL THEN CAST(post_blob AS text) END",
            ))
            .from(Entity)
            .left_join(Alias::new("weir_post_entities"), kept)
            .cond_where(span)
            .cond_where(place);
        if self.span.is_by_time() {
            statement.order_by(Column::CreatedAt, Order::Asc);
        }
        statement.order_by(Column::Id, Order::Asc).limit(limit);
        statement
    }

    fn created_at(&self, row: &QueryResult) -> Result<Value, DbError> {
        if !self.span.is_by_time() {
            return Ok(Value::from(0_i64));
        }
        Ok(match self.database.backend() {
            DbBackend::Sqlite => row.try_get_by_index::<String>(1)?.into(),
            _ => row
                .try_get_by_index::<chrono::DateTime<chrono::Utc>>(1)?
                .into(),
        })
    }
}

/// By one bound value: the statement is the same for any keys, and takes any number of them.
fn is_among(keys: &[i64], backend: DbBackend) -> Expr {
    let keys = format!("[{}]", list(keys.iter().copied()));
    let among = match backend {
        DbBackend::Sqlite => "posts.id IN (SELECT value FROM json_each(?))",
        _ => {
            "posts.id IN (SELECT CAST(key AS bigint) FROM json_array_elements_text(CAST($1 AS json)) AS key)"
        }
    };
    Expr::cust_with_values(among, [keys])
}

fn post(row: &QueryResult) -> Result<HourPost, DbError> {
    let names: Option<Vec<u8>> = row.try_get_by_index(6)?;
    let said = if let Some(names) = names {
        Said::Names(names)
    } else {
        let blob: Option<String> = row.try_get_by_index(7)?;
        Said::Text(blob.as_deref().map(analysed_text).unwrap_or_default())
    };
    Ok(HourPost {
        id: row.try_get_by_index(0)?,
        hour: Hour(row.try_get_by_index(2)?),
        platform: row.try_get_by_index(3)?,
        post_id: row.try_get_by_index(4)?,
        version: row.try_get_by_index(5)?,
        said,
    })
}
