//! A SQLite database that is made whole before anybody can open it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use weir::db::{Database, DbError, NewFile, TimeRange};
use weir::settings::DatabaseSettings;

use crate::common::posts::post;

fn settings(file: &Path) -> DatabaseSettings {
    DatabaseSettings::with_url(format!("sqlite://{}", file.display()))
}

/// A database of one post, in the making.
async fn filled(settings: &DatabaseSettings) -> NewFile {
    let file = NewFile::begin(settings).unwrap().unwrap();
    let database = Database::connect_new(&file, settings).await.unwrap();
    database.migrate().await.unwrap();
    database.insert_posts(&[post("1", "text")]).await.unwrap();
    database.close().await.unwrap();
    file
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn it_is_in_its_place_once_it_is_published_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new/posts.db");
    let settings = settings(&place);
    let file = filled(&settings).await;
    assert_eq!(names(place.parent().unwrap()), ["posts.db.new"]);
    file.publish().unwrap();
    assert_eq!(names(place.parent().unwrap()), ["posts.db"]);

    let database = Database::connect(&settings).await.unwrap();
    let counts = database.count_posts_by_platform(TimeRange::default()).await;
    assert_eq!(counts.unwrap().values().sum::<u64>(), 1);
    assert!(NewFile::begin(&settings).unwrap().is_none());
}

#[tokio::test]
async fn unpublished_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(&settings(&folder.path().join("posts.db"))).await);
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn a_file_that_appears_at_the_target_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("posts.db");
    let file = filled(&settings(&place)).await;
    fs::write(&place, "another").unwrap();
    let error = file.publish().unwrap_err();
    let is_there = matches!(&error, DbError::NewFile { source, .. } if source.kind() == ErrorKind::AlreadyExists);
    assert!(is_there, "{error}");
    assert_eq!(fs::read(&place).unwrap(), b"another");
    assert_eq!(names(folder.path()), ["posts.db"]);
}

#[tokio::test]
async fn two_do_not_make_the_same_one_and_what_a_killed_one_left_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("posts.db");
    let settings = settings(&place);
    fs::write(folder.path().join("posts.db.new"), "half a database").unwrap();
    let file = filled(&settings).await;
    let error = NewFile::begin(&settings).unwrap_err();
    assert!(matches!(error, DbError::InTheMaking { .. }), "{error}");
    file.publish().unwrap();
    assert_eq!(names(folder.path()), ["posts.db"]);
}

#[tokio::test]
async fn postgres_and_memory_have_no_file() {
    for url in ["sqlite::memory:", "postgres://localhost/posts"] {
        let settings = DatabaseSettings::with_url(url);
        assert!(NewFile::begin(&settings).unwrap().is_none(), "{url}");
    }
}
