//! The tools as their callers see them: generated data, preprocessing, requests, seeds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod generated;
mod preprocess;
mod requests;
mod seed;

use std::fs;

use tempfile::TempDir;

const SAMPLE_DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample_data");
const RAW_SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample_data/raw");

/// Returns a folder with these files.
fn folder_of(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Returns an export of `count` tweets, of which every other one has no counts.
fn tweets(count: u32) -> String {
    let tweet = |id| {
        format!(
            r#"{{"data":{{"id":"{id}","author_id":"7","created_at":"2023-01-01T00:00:00.000Z","text":" tweet {id} ","lang":"en","entities":{{"urls":[{{"url":"https://t.co/x","expanded_url":"https://a.org/{id}"}}]}},"public_metrics":{{"like_count":{},"retweet_count":0,"reply_count":0,"quote_count":0}}}},"includes":{{"users":[{{"public_metrics":{{"followers_count":100000}}}}]}}}}"#,
            id % 2
        ) + "\n"
    };
    (0..count).map(tweet).collect()
}
