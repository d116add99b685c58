use sea_orm::sea_query::{Condition, Expr, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbBackend, ExprTrait, Order, QueryResult, Value};

use super::bucket::hour_of;
use super::fingerprint::RowContent;
use super::{Bucket, Hour};
use crate::db::posts::analysed_text_of;
use crate::db::posts::entity::{Column, Entity};
use crate::db::{Database, DbError, TimeRange};

const PAGE_SIZE: u64 = 1_000;

/// Postgres: the version of a row, which is another after each change.
pub(super) const POSTGRES_VERSION: &str =
    "hashint8extended(CAST(CAST(posts.xmin AS text) AS bigint), CAST(posts.id AS bigint))";

/// Posts to walk over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostSpan {
    /// Those of a time, in its order, then by id.
    Within(TimeRange),
    /// Those without a time, by id.
    WithoutTime,
    /// Those with ids greater than `after`, up to `last`, by id.
    Between {
        /// The last id before them.
        after: i64,
        /// The last id of them.
        last: i64,
    },
    /// Those with these ids, by id.
    Ids(Vec<i64>),
}

/// A post as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkedPost {
    /// The hour and platform that it counts for.
    pub bucket: Bucket,
    /// The id of the item, which several rows may have.
    pub post_id: Option<String>,
    /// Its title, a newline and its text.
    pub text: String,
    /// A hash that is another after each change of the row.
    pub version: i64,
    /// The time as it is stored, as text.
    pub(super) created_at: String,
}

/// A walk over posts, a page in memory at a time. One by time goes by the index on `created_at`: an hour needs neither a
/// walk over all posts nor a sort.
#[derive(Debug)]
pub struct PostWalk {
    database: Database,
    span: PostSpan,
    position: Position,
}

#[derive(Debug)]
enum Position {
    Start,
    After { created_at: Value, id: i64 },
    End,
}

impl Database {
    /// Begins a walk over the posts of a span.
    pub fn walk_posts(&self, span: PostSpan) -> PostWalk {
        PostWalk {
            database: self.clone(),
            span,
            position: Position::Start,
        }
    }
}

impl PostWalk {
    /// Returns the next posts, at least one; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<WalkedPost>>, DbError> {
        let database = self.database.clone();
        self.next_on(database.reader()).await
    }

    /// Does the same on a connection of the caller's.
    pub(super) async fn next_on(
        &mut self,
        connection: &impl ConnectionTrait,
    ) -> Result<Option<Vec<WalkedPost>>, DbError> {
        let rows = match &self.position {
            Position::End => return Ok(None),
            Position::Start => self.read(connection, Condition::all(), PAGE_SIZE).await?,
            Position::After { created_at, id } => {
                self.read_after(connection, created_at.clone(), *id).await?
            }
        };
        self.position = match rows.last() {
            Some(last) if rows.len() as u64 == PAGE_SIZE => Position::After {
                created_at: self.created_at(last)?,
                id: last.try_get_by_index(0)?,
            },
            _ => Position::End,
        };
        let backend = self.database.backend();
        let posts = rows.iter().map(|row| post(row, backend));
        let posts: Vec<WalkedPost> = posts.collect::<Result<_, _>>()?;
        Ok((!posts.is_empty()).then_some(posts))
    }

    /// Reads the rest of an instant first: the two conditions in one would not go by the index.
    async fn read_after(
        &self,
        connection: &impl ConnectionTrait,
        created_at: Value,
        id: i64,
    ) -> Result<Vec<QueryResult>, DbError> {
        let greater_id = Condition::all().add(Expr::col(Column::Id).gt(id));
        if !self.is_by_time() {
            return self.read(connection, greater_id, PAGE_SIZE).await;
        }
        let column = || Expr::col(Column::CreatedAt);
        let same_time = greater_id.add(column().eq(created_at.clone()));
        let mut rows = self.read(connection, same_time, PAGE_SIZE).await?;
        let missing = PAGE_SIZE - rows.len() as u64;
        if missing > 0 {
            let later = Condition::all().add(column().gt(created_at));
            rows.extend(self.read(connection, later, missing).await?);
        }
        Ok(rows)
    }

    async fn read(
        &self,
        connection: &impl ConnectionTrait,
        position: Condition,
        limit: u64,
    ) -> Result<Vec<QueryResult>, DbError> {
        Ok(connection
            .query_all(&self.statement(position, limit))
            .await?)
    }

    fn statement(&self, position: Condition, limit: u64) -> SelectStatement {
        let backend = self.database.backend();
        let hour = hour_of("created_at", backend);
        let span = match &self.span {
            PostSpan::Within(range) => range.indexed_condition(backend),
            PostSpan::WithoutTime => Condition::all().add(Expr::cust(format!("{hour} = ''"))),
            PostSpan::Between { after, last } => Condition::all()
                .add(Expr::col(Column::Id).gt(*after))
                .add(Expr::col(Column::Id).lte(*last)),
            PostSpan::Ids(ids) => Condition::all().add(is_among(ids, backend)),
        };
        let (raw_time, version) = match backend {
            DbBackend::Sqlite => ("CAST(created_at AS TEXT)", "0"),
            _ => ("created_at", POSTGRES_VERSION),
        };
        let mut statement = Query::select();
        statement
            .expr(Expr::col(Column::Id).cast_as("bigint"))
            .expr(Expr::cust(raw_time))
            .expr(Expr::cust(hour))
            .expr(Expr::cust("CAST(COALESCE(platform, '') AS text)"))
            .expr(Expr::col(Column::PostId).cast_as("text"))
            .expr(Expr::col(Column::PostBlob).cast_as("text"))
            .expr(Expr::cust(version))
            .expr_as(Expr::cust("CAST(created_at AS text)"), "time_text")
            .from(Entity)
            .cond_where(span)
            .cond_where(position);
        if self.is_by_time() {
            statement.order_by(Column::CreatedAt, Order::Asc);
        }
        statement.order_by(Column::Id, Order::Asc).limit(limit);
        statement
    }

    fn is_by_time(&self) -> bool {
        matches!(self.span, PostSpan::Within(_))
    }

    fn created_at(&self, row: &QueryResult) -> Result<Value, DbError> {
        if !self.is_by_time() {
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

/// Expression with one bound value, so that the statement is the same for any ids and takes any number of them.
fn is_among(ids: &[i64], backend: DbBackend) -> Expr {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let among = match backend {
        DbBackend::Sqlite => "posts.id IN (SELECT value FROM json_each(?))",
        _ => {
            "posts.id IN (SELECT CAST(id AS bigint) FROM json_array_elements_text(CAST($1 AS json)) AS id)"
        }
    };
    Expr::cust_with_values(among, [format!("[{}]", ids.join(","))])
}

fn post(row: &QueryResult, backend: DbBackend) -> Result<WalkedPost, DbError> {
    let id: i64 = row.try_get_by_index(0)?;
    let platform: String = row.try_get_by_index(3)?;
    let post_id: Option<String> = row.try_get_by_index(4)?;
    let post_blob: Option<String> = row.try_get_by_index(5)?;
    let post_blob = post_blob.unwrap_or_default();
    let created_at: Option<String> = row.try_get_by_index(7)?;
    let created_at = created_at.unwrap_or_default();
    let version = match backend {
        DbBackend::Sqlite => {
            let content = RowContent {
                id,
                post_id: post_id.as_deref(),
                platform: &platform,
                created_at: &created_at,
                post_blob: &post_blob,
            };
            content.version()
        }
        _ => row.try_get_by_index(6)?,
    };
    Ok(WalkedPost {
        bucket: Bucket {
            hour: Hour(row.try_get_by_index(2)?),
            platform,
        },
        post_id,
        text: analysed_text_of(&post_blob),
        version,
        created_at,
    })
}
