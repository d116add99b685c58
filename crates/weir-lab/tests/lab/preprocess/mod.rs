//! Raw exports to normalised items.

mod facebook;
mod invalid;
mod reddit;
mod twitter;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weir_feed::{ContentItem, ItemKind, Platform};
use weir_lab::{DropReason, Dropped, InputReport, Preprocess, Progress, generate};

use crate::{RAW_SAMPLE, folder_of};

/// Run of the preprocessing on given raw files.
pub(crate) struct Run {
    pub(crate) input: TempDir,
    pub(crate) output: TempDir,
    reports: Vec<InputReport>,
}

fn options(input: &Path, output: &Path) -> Preprocess {
    Preprocess {
        seed: 7,
        author_salt: Some("salt".to_owned()),
        ..Preprocess::new(input, output)
    }
}

pub(crate) fn run(files: &[(&str, &[u8])]) -> Run {
    let (input, output) = (folder_of(files), tempfile::tempdir().unwrap());
    let reports = options(input.path(), output.path())
        .run(&Progress::hidden())
        .unwrap();
    Run {
        input,
        output,
        reports,
    }
}

fn refusal(files: &[(&str, &[u8])]) -> String {
    let (input, output) = (folder_of(files), tempfile::tempdir().unwrap());
    let error = options(input.path(), output.path())
        .run(&Progress::hidden())
        .unwrap_err();
    let left: Vec<_> = fs::read_dir(output.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    error
        .to_string()
        .replace(&format!("{}/", input.path().display()), "")
}

impl Run {
    pub(crate) fn items(&self, platform: Platform) -> Vec<ContentItem> {
        read_items(self.output.path(), platform)
    }

    fn dropped(&self, file: &str, reason: DropReason) -> Option<(u64, u64)> {
        let key = (self.input.path().join(file), reason);
        let dropped = self
            .reports
            .iter()
            .find_map(|report| report.dropped.get(&key));
        dropped.map(|&Dropped { count, first_line }| (count, first_line))
    }
}

fn read_items(folder: &Path, platform: Platform) -> Vec<ContentItem> {
    let lines = fs::read_to_string(folder.join(format!("{platform}.jsonl"))).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn spilling_to_disk_changes_nothing() {
    let input = tempfile::tempdir().unwrap();
    generate(3, 1500, input.path(), &Progress::hidden()).unwrap();
    let [in_memory, spilled] = [24 << 20, 10_000].map(|spill_bytes| {
        let output = tempfile::tempdir().unwrap();
        let options = Preprocess {
            spill_bytes,
            ..options(input.path(), output.path())
        };
        let reports = options.run(&Progress::hidden()).unwrap();
        let files = Platform::ALL
            .iter()
            .map(|platform| fs::read(output.path().join(format!("{platform}.jsonl"))).unwrap());
        (reports, files.collect::<Vec<_>>())
    });
    assert!(in_memory == spilled);
}

#[test]
fn every_row_of_the_sample_is_kept_or_dropped_and_references_hold() {
    let input = Path::new(RAW_SAMPLE);
    let output = tempfile::tempdir().unwrap();
    let reports = options(input, output.path())
        .run(&Progress::hidden())
        .unwrap();
    let rows = |file: &str| {
        csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(input.join(file))
            .unwrap()
            .byte_records()
            .count()
    };
    let expected = [
        rows("facebook/fb_news_posts.csv") + rows("facebook/fb_news_comments.csv"),
        rows("reddit/reddit.csv"),
        300,
    ];
    assert_eq!(
        reports
            .iter()
            .map(|report| report.platform)
            .collect::<Vec<_>>(),
        Platform::ALL
    );
    for (report, expected) in reports.iter().zip(expected) {
        assert_eq!(
            report.kept() + report.total_dropped(),
            expected as u64,
            "{report}"
        );
        assert!(report.total_dropped() > 0, "{report}");
        let items = read_items(output.path(), report.platform);
        assert_eq!(items.len() as u64, report.kept());
        let ids: HashSet<_> = items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids.len(), items.len());
        let known = items
            .iter()
            .filter_map(|item| item.post_id.as_deref())
            .filter(|id| ids.contains(id))
            .count();
        let comments = items
            .iter()
            .filter(|item| item.kind == ItemKind::Comment)
            .count();
        // Some comments are under posts that were deleted.
        assert!(
            known * 10 > comments * 9,
            "{known} of {comments} comments of {} have their post",
            report.platform
        );
    }
}
