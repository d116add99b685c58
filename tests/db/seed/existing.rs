use sea_orm::ConnectionTrait;
use tokio_util::sync::CancellationToken;
use weir::db::{LoadError, OnExisting, PostLoad};
use weir::seeding::{SeedingError, load_seed};
use weir_lab::Progress;

use super::{cohort, item, normalised, rows, run, run_on_existing};
use crate::common::databases::{TestDatabase, on_both_databases, sql};
use crate::common::posts::post;

on_both_databases! {
    a_table_with_posts_is_refused_by_name_of_both_ways_out,
    drop_table_leaves_the_new_posts_alone_with_ids_from_one,
    upsert_replaces_what_the_same_user_saw_and_keeps_the_rest,
    an_interrupted_seed_changes_nothing_and_says_how_to_go_on,
    a_load_that_is_dropped_changes_nothing,
    indexes_are_there_after_a_load_whoever_made_them,
}

async fn with_one_post(data: &TestDatabase) {
    data.database
        .insert_posts(&[post("before", "text")])
        .await
        .unwrap();
}

async fn a_table_with_posts_is_refused_by_name_of_both_ways_out(data: TestDatabase) {
    with_one_post(&data).await;
    let items = normalised();
    let refusal = run(cohort(items.path(), 40), &data)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("--drop-table") && refusal.contains("--upsert"),
        "{refusal}"
    );
    assert_eq!(rows(&data).await.len(), 1);
}

async fn drop_table_leaves_the_new_posts_alone_with_ids_from_one(data: TestDatabase) {
    with_one_post(&data).await;
    let items = normalised();
    run_on_existing(OnExisting::Drop, cohort(items.path(), 40), &data)
        .await
        .unwrap();
    let rows = rows(&data).await;
    assert!(rows.len() > 2_000);
    assert_eq!(rows[0].id, 1);
    assert!(
        rows.iter()
            .all(|row| row.post_id.as_deref() != Some("before"))
    );
    assert_eq!(
        indexed_columns(&data).await,
        ["created_at", "post_id", "session_user_id"]
    );
}

async fn upsert_replaces_what_the_same_user_saw_and_keeps_the_rest(data: TestDatabase) {
    with_one_post(&data).await;
    let items = normalised();
    let seed = || cohort(items.path(), 40);
    run_on_existing(OnExisting::Replace, seed(), &data)
        .await
        .unwrap();
    let first = rows(&data).await;
    let same_post = Some(first[1].post_id.clone().unwrap());
    // The same post as another user saw it has another key.
    let copy = "INSERT INTO posts (post_id, session_user_id, post_blob) SELECT post_id, 'other', post_blob FROM posts WHERE id = 2";
    sql(&data.database, copy).await;
    sql(
        &data.database,
        "UPDATE posts SET type = 'changed' WHERE id > 1",
    )
    .await;

    run_on_existing(OnExisting::Replace, seed(), &data)
        .await
        .unwrap();
    let second = rows(&data).await;
    assert_eq!(second.len(), first.len() + 1);
    assert_eq!(second[0].post_id.as_deref(), Some("before"));
    let kept = &second[1];
    assert_eq!(
        (
            &kept.post_id,
            kept.session_user_id.as_deref(),
            kept.kind.as_deref()
        ),
        (&same_post, Some("other"), Some("changed"))
    );
    for (before, after) in first[1..].iter().zip(&second[2..]) {
        assert_eq!(
            (&before.post_id, &before.session_user_id, &before.kind),
            (&after.post_id, &after.session_user_id, &after.kind)
        );
        assert_eq!(item(before), item(after));
        assert!(after.id > before.id);
    }
}

async fn an_interrupted_seed_changes_nothing_and_says_how_to_go_on(data: TestDatabase) {
    with_one_post(&data).await;
    let items = normalised();
    let stop = CancellationToken::new();
    stop.cancel();
    for on_existing in [OnExisting::Drop, OnExisting::Replace] {
        let seed = cohort(items.path(), 40);
        let error = load_seed(
            seed,
            &data.database,
            on_existing,
            &Progress::hidden(),
            &stop,
        )
        .await
        .unwrap_err();
        assert!(matches!(error, SeedingError::Interrupted));
        assert!(
            error.to_string().contains("run the same command"),
            "{error}"
        );
    }
    assert_eq!(rows(&data).await.len(), 1);
    run_on_existing(OnExisting::Replace, cohort(items.path(), 40), &data)
        .await
        .unwrap();
}

async fn a_load_that_is_dropped_changes_nothing(data: TestDatabase) {
    with_one_post(&data).await;
    for on_existing in [OnExisting::Drop, OnExisting::Replace] {
        let mut load = data.database.begin_load(on_existing).await.unwrap();
        write(&mut load, &["before", "new"]).await;
        drop(load);
        let mut load = data.database.begin_load(on_existing).await.unwrap();
        write(&mut load, &["before"]).await;
        drop(load.index().await.unwrap());
        let rows = rows(&data).await;
        assert_eq!(
            (rows.len(), item(&rows[0])["text"].as_str()),
            (1, Some("text"))
        );
    }
    let refused = data.database.begin_load(OnExisting::Refuse).await;
    assert!(matches!(refused, Err(LoadError::NotEmpty)));
}

async fn indexes_are_there_after_a_load_whoever_made_them(data: TestDatabase) {
    sql(
        &data.database,
        "CREATE INDEX \"Their Index\" ON posts (platform)",
    )
    .await;
    let items = normalised();
    run(cohort(items.path(), 40), &data).await.unwrap();
    assert_eq!(
        indexed_columns(&data).await,
        ["created_at", "platform", "post_id", "session_user_id"]
    );
}

async fn write(load: &mut PostLoad, ids: &[&str]) {
    let mut batch = load.batch();
    for id in ids {
        batch.push(post(id, "other text"));
    }
    load.write(batch).await.unwrap();
}

/// First columns of the indexes on `posts`, but for the key's.
async fn indexed_columns(data: &TestDatabase) -> Vec<String> {
    let reader = data.database.reader();
    let query = match reader.get_database_backend() {
        sea_orm::DbBackend::Sqlite => "SELECT info.name FROM pragma_index_list('posts') AS list, pragma_index_info(list.name) AS info ORDER BY 1",
        _ => "SELECT attname::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
            WHERE indrelid = 'posts'::regclass AND NOT indisprimary ORDER BY 1",
    };
    let statement = sea_orm::Statement::from_string(reader.get_database_backend(), query);
    let rows = reader.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}
