//! Whatever happens to posts between runs, counting what has changed comes to the same as counting all of them.

mod elsewhere;
mod property;
mod steps;
mod truth;

use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::json;
use weir::db::{Database, NewPost};

use self::elsewhere::{Elsewhere, Other};
use self::steps::{Draft, Step, TEXTS, empty, model, take};
use self::truth::both_agree;
use crate::common::databases::{TestDatabase, on_both_databases, sql};
use crate::common::posts::{post, time};
use crate::common::workplace::Workplace;

const JOB: &str = "count_top_named_entities";

on_both_databases! {
    a_post_that_comes_is_added_to_its_bucket,
    where_many_come_at_once_their_buckets_are_counted,
    what_two_runs_add_at_once_is_added_once,
    a_row_that_has_moved_counts_where_it_is,
    without_an_index_on_post_id_posts_are_added_as_well,
    a_row_replaced_by_an_index_of_the_table_s_own_counts_once,
    what_no_trigger_and_no_length_tells_of_is_seen,
    nothing_written_while_others_count_is_missed,
}

/// How many buckets are to be counted again, and how many posts to be added.
async fn to_do(database: &Database) -> (usize, u64) {
    let mut snapshot = database.count_snapshot(model()).await.unwrap();
    while snapshot.next_inserts().await.unwrap().is_some() {}
    let changes = snapshot.into_changes();
    let inserts = changes.inserts.values();
    let posts = inserts.map(|inserts| inserts.after.rows() - inserts.before.rows());
    (changes.dirty.len(), posts.sum())
}

fn draft(post_id: u8, text: usize) -> Draft {
    Draft {
        post_id,
        quarter: 1,
        platform: 0,
        text,
    }
}

async fn a_post_that_comes_is_added_to_its_bucket(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();

    let come = vec![draft(1, 1), draft(1, 1), draft(0, 2), draft(2, 2)];
    take(&Step::Insert(come), database).await;
    assert_eq!(to_do(database).await, (0, 4));
    both_agree(&place).await.unwrap();
    assert_eq!(to_do(database).await, (0, 0));

    let before_all = Draft {
        quarter: 0,
        ..draft(0, 1)
    };
    take(&Step::Insert(vec![before_all]), database).await;
    assert_eq!(to_do(database).await, (1, 0));
    both_agree(&place).await.unwrap();
    assert_eq!(to_do(database).await, (0, 0));
}

async fn where_many_come_at_once_their_buckets_are_counted(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    let posts = |hour: &str, count: i32| -> Vec<NewPost> {
        let created_at = time(hour);
        let post = |number: i32| NewPost {
            created_at,
            ..post(&format!("{hour} {number}"), "a")
        };
        (0..count).map(post).collect()
    };
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    drop(place.run(JOB, json!({})).await);
    let at_most = posts("2017-05-31T20:00:00Z", 10_000);
    database.insert_posts(&at_most).await.unwrap();
    assert_eq!(to_do(database).await, (0, 10_000));
    let one_more = posts("2017-05-31T21:00:00Z", 1);
    database.insert_posts(&one_more).await.unwrap();
    assert_eq!(to_do(database).await, (2, 0));
    drop(place.run(JOB, json!({})).await);
    assert_eq!(to_do(database).await, (0, 0));
}

async fn what_two_runs_add_at_once_is_added_once(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    let mut elsewhere = Elsewhere::default();
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();
    take(&Step::Insert(vec![draft(1, 0)]), database).await;
    elsewhere.go_on(Other::Compare, database).await;
    both_agree(&place).await.unwrap();
    for step in [Other::Extend, Other::StoreExtended] {
        elsewhere.go_on(step, database).await;
        both_agree(&place).await.unwrap();
    }
}

/// From the second day to the first, of which only the first is counted anew before the run dies.
async fn a_row_that_has_moved_counts_where_it_is(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    let (tomorrow, today, later_in_that_hour) = (16, 0, 3);
    let at = |post_id, quarter| Draft {
        quarter,
        ..draft(post_id, 0)
    };
    take(&Step::Insert(vec![at(1, tomorrow), at(1, today)]), database).await;
    both_agree(&place).await.unwrap();
    take(&Step::Insert(vec![at(0, tomorrow)]), database).await;
    let moved = Step::Move {
        nth: 2,
        quarter: later_in_that_hour,
    };
    take(&moved, database).await;

    let mut elsewhere = Elsewhere::default();
    elsewhere.go_on(Other::Compare, database).await;
    elsewhere.go_on(Other::Recount, database).await;
    let first = &elsewhere.recounted[..1];
    let buckets = [first[0].bucket.clone()];
    let last_id = elsewhere.changes.last_id;
    let stored = database.store_counts(&buckets, first, model(), last_id);
    stored.await.unwrap();
    take(&Step::Insert(vec![at(0, today)]), database).await;
    both_agree(&place).await.unwrap();
}

async fn without_an_index_on_post_id_posts_are_added_as_well(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    sql(database, "DROP INDEX idx_posts_post_id").await;
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();
    take(&Step::Insert(vec![draft(1, 1), draft(0, 1)]), database).await;
    assert_eq!(to_do(database).await, (0, 2));
    both_agree(&place).await.unwrap();
}

async fn a_row_replaced_by_an_index_of_the_table_s_own_counts_once(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    sql(database, "CREATE UNIQUE INDEX own ON posts (post_id)").await;
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();
    let again = "INTO posts (post_id, platform, created_at, post_blob)
        SELECT post_id, platform, created_at, post_blob FROM posts";
    let replace = match database.reader().get_database_backend() {
        DbBackend::Sqlite => format!("INSERT OR REPLACE {again}"),
        _ => format!("INSERT {again} ON CONFLICT (post_id) DO UPDATE SET id = excluded.id"),
    };
    sql(database, &replace).await;
    both_agree(&place).await.unwrap();
}

/// Changes by somebody who switches triggers off, which leave every length, time, id and number of rows as they are.
async fn what_no_trigger_and_no_length_tells_of_is_seen(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    take(&Step::Insert(vec![draft(0, 2), draft(1, 3)]), database).await;
    both_agree(&place).await.unwrap();
    let (before, after) = (TEXTS[2], TEXTS[4]);
    assert_eq!(before.len(), after.len());
    let rewritten = "CAST(replace(CAST(post_blob AS text), 'London', 'Berlin') AS jsonb)";
    let (quiet, rewritten) = match database.reader().get_database_backend() {
        DbBackend::Sqlite => ("SELECT 1", rewritten.replace("jsonb", "text")),
        _ => (
            "SET LOCAL session_replication_role = replica",
            rewritten.to_owned(),
        ),
    };
    let writing = database.begin().await.unwrap();
    writing.execute_unprepared(quiet).await.unwrap();
    let rewrite = format!("UPDATE posts SET post_blob = {rewritten}");
    writing.execute_unprepared(&rewrite).await.unwrap();
    writing.commit().await.unwrap();
    assert_eq!(to_do(database).await, (1, 0));
    both_agree(&place).await.unwrap();
}

/// What a writer has not committed when the posts are compared is seen by the count, or it is not.
#[tokio::test]
async fn what_is_committed_while_its_bucket_is_counted_is_counted_once() {
    let place = Workplace::new(TestDatabase::postgres().await);
    let database = &place.data.database;
    for is_seen in [true, false] {
        empty(database).await;
        take(&Step::Insert(vec![draft(0, 0)]), database).await;
        both_agree(&place).await.unwrap();
        let writing = database.begin().await.unwrap();
        let insert = "INSERT INTO posts (post_id, platform, created_at, post_blob)
            SELECT 'another', platform, created_at, post_blob FROM posts";
        writing.execute_unprepared(insert).await.unwrap();
        take(&Step::Rewrite { nth: 0, text: 1 }, database).await;

        let mut elsewhere = Elsewhere::default();
        elsewhere.go_on(Other::Compare, database).await;
        elsewhere.go_on(Other::Recount, database).await;
        writing.commit().await.unwrap();
        if is_seen {
            elsewhere.go_on(Other::Recount, database).await;
        }
        elsewhere.go_on(Other::StoreRecounted, database).await;
        both_agree(&place).await.unwrap();
    }
}

/// Writers that are never held up or made to fail, and runs that lose none of what they write.
async fn nothing_written_while_others_count_is_missed(data: TestDatabase) {
    let place = Workplace::new(data);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4_u8 {
        let database = place.data.database.clone();
        writers.spawn(async move {
            for round in 0..25_u8 {
                let draft = Draft {
                    post_id: round % 5,
                    quarter: (writer * 7 + round) % 24,
                    platform: 0,
                    text: usize::from(round) % TEXTS.len(),
                };
                take(&Step::Insert(vec![draft; 3]), &database).await;
                let nth = writer * 3;
                take(&Step::Rewrite { nth, text: 0 }, &database).await;
                take(&Step::Delete { nth: nth + 1 }, &database).await;
            }
        });
    }
    let runs = async {
        while !writers.is_empty() {
            while let Some(ended) = writers.try_join_next() {
                ended.unwrap();
            }
            tokio::join!(
                place.run(JOB, json!({"k": 100})),
                place.run(JOB, json!({"k": 100, "platform": "facebook"}))
            );
        }
    };
    runs.await;
    both_agree(&place).await.unwrap();
}
