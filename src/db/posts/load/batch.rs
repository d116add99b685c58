use sea_orm::DbBackend;

use super::super::{
    json_text::{into_storable_json, into_storable_text},
    new_post::NewPost,
};
use crate::db::{
    sql_text::CopyText,
    time::{postgres_text, sqlite_text},
};

/// Posts in the form in which a load writes them, so that this work can be done on another thread than the writing.
#[derive(Debug)]
pub struct PostBatch {
    pub(super) rows: Rows,
    /// `post_id` and `session_user_id` of each, where posts with the same are replaced.
    pub(super) keys: Vec<(String, String)>,
    replaces: bool,
    posts: usize,
}

#[derive(Debug)]
pub(super) enum Rows {
    Sqlite(Vec<[String; 8]>),
    Postgres(CopyText),
}

impl PostBatch {
    pub(super) fn new(backend: DbBackend, replaces: bool) -> Self {
        Self {
            rows: match backend {
                DbBackend::Sqlite => Rows::Sqlite(Vec::new()),
                _ => Rows::Postgres(CopyText::default()),
            },
            keys: Vec::new(),
            replaces,
            posts: 0,
        }
    }

    /// Another one without posts, for the same load.
    #[must_use]
    pub fn another(&self) -> Self {
        let backend = match self.rows {
            Rows::Sqlite(_) => DbBackend::Sqlite,
            Rows::Postgres(_) => DbBackend::Postgres,
        };
        Self::new(backend, self.replaces)
    }

    /// Adds a post.
    pub fn push(&mut self, post: NewPost) {
        let [post_id, user] = [post.post_id, post.session_user_id].map(into_storable_text);
        if self.replaces {
            self.keys.push((post_id.clone(), user.clone()));
        }
        let time = match self.rows {
            Rows::Sqlite(_) => sqlite_text,
            Rows::Postgres(_) => postgres_text,
        };
        let row = [
            post_id,
            time(post.session_timestamp),
            user,
            into_storable_text(post.platform),
            into_storable_text(post.kind),
            into_storable_text(post.author_name_hash),
            time(post.created_at),
            into_storable_json(Box::<str>::from(post.post_blob).into()),
        ];
        match &mut self.rows {
            Rows::Sqlite(rows) => rows.push(row),
            Rows::Postgres(rows) => {
                for field in &row {
                    rows.field(field);
                }
                rows.end_row();
            }
        }
        self.posts += 1;
    }

    /// How many posts there are.
    pub fn len(&self) -> usize {
        self.posts
    }

    /// Whether there is no post.
    pub fn is_empty(&self) -> bool {
        self.posts == 0
    }
}
