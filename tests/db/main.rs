//! The posts database on SQLite and Postgres.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod ddl_locks;
mod former_triggers;
mod hosts;
mod new_file;
mod others;
mod pooler;
mod queries;
mod schema;
mod scraped;
mod seed;
mod sqlstates;
mod start_order;
mod tls;
mod transfer;
mod urls;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use weir::db::{Database, PostFilter, PostText, TimeRange};

use crate::common::{databases::sql, posts::time};

async fn walk(database: &Database, filter: PostFilter, page_size: u64) -> Vec<PostText> {
    let mut pages = database.post_pages(filter, page_size);
    let mut posts = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        assert!(!page.is_empty() && page.len() as u64 <= page_size);
        posts.extend(page);
    }
    posts
}

fn ids(posts: &[PostText]) -> Vec<&str> {
    posts
        .iter()
        .map(|post| post.post_id.as_deref().unwrap())
        .collect()
}

fn between(from: &str, to: &str) -> PostFilter {
    PostFilter {
        created: TimeRange {
            from: Some(time(from)),
            to: Some(time(to)),
        },
        platform: None,
    }
}

/// The first column of every row.
async fn texts(database: &Database, backend: DbBackend, query: &str) -> Vec<String> {
    let statement = Statement::from_string(backend, query);
    let rows = database.reader().query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}
