//! Generated data and `sample_data`, which is committed output of the generator.

use std::fs;
use std::path::Path;

use weir_feed::{Platform, RankRequest};
use weir_lab::{Progress, generate, sample_request};

use crate::{RAW_SAMPLE, SAMPLE_DATA};

const RAW_FILES: [&str; 4] = [
    "facebook/fb_news_posts.csv",
    "facebook/fb_news_comments.csv",
    "reddit/reddit.csv",
    "twitter/tweets.jsonl",
];

#[test]
fn the_committed_raw_sample_is_what_the_generator_makes() {
    let folder = tempfile::tempdir().unwrap();
    generate(1, 300, folder.path(), &Progress::hidden()).unwrap();
    for file in RAW_FILES {
        let made = fs::read(folder.path().join(file)).unwrap();
        let committed = fs::read(Path::new(RAW_SAMPLE).join(file)).unwrap();
        assert!(made == committed, "{file} differs");
    }
}

#[test]
fn another_seed_makes_other_data() {
    let folder = tempfile::tempdir().unwrap();
    generate(2, 300, folder.path(), &Progress::hidden()).unwrap();
    for file in RAW_FILES {
        let made = fs::read(folder.path().join(file)).unwrap();
        assert!(
            made != fs::read(Path::new(RAW_SAMPLE).join(file)).unwrap(),
            "{file} is the same"
        );
    }
}

#[test]
fn the_committed_requests_are_what_the_generator_makes() {
    for &platform in Platform::ALL {
        let committed =
            fs::read(Path::new(SAMPLE_DATA).join(format!("requests/{platform}.json"))).unwrap();
        assert_eq!(
            RankRequest::from_json(&committed).unwrap(),
            sample_request(1, platform)
        );
    }
}

#[test]
fn some_posts_of_a_sample_request_name_the_commonest_names_and_others_do_not() {
    for &platform in Platform::ALL {
        let request = sample_request(1, platform);
        let commonest = [
            "Taylor Swift",
            "Elon Musk",
            "NASA",
            "Google",
            "London",
            "Chicago",
        ];
        let naming: Vec<_> = (0..request.items.len())
            .filter(|&rank| {
                commonest
                    .iter()
                    .any(|name| request.items[rank].analysed_text().contains(name))
            })
            .collect();
        assert_eq!(naming, [0, 1, 3, 4, 7], "{platform}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let error = generate(1, 1, &in_the_way, &Progress::hidden())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot create") && error.contains("file/facebook"),
        "{error}"
    );
}
