use std::path::Path;

use weir_feed::Platform;
use weir_lab::{DropReason, Progress};

use super::facebook::POSTS;
use super::reddit::REDDIT;
use super::{options, refusal, run};
use crate::folder_of;

#[test]
fn a_row_with_invalid_utf8_is_the_only_one_dropped() {
    let mut table = REDDIT.as_bytes().to_vec();
    table.extend_from_slice(b"Comment,c1,,,\xff\xfe,eve,4,0,1561972117,t3_a1\nComment,c2,,,Fine,eve,4,0,1561972117,t3_a1\n");
    let run = run(&[("reddit.csv", &table)]);
    assert_eq!(
        run.dropped("reddit.csv", DropReason::InvalidUtf8),
        Some((1, 12))
    );
    assert_eq!(run.items(Platform::Reddit).last().unwrap().text, "Fine");
}

#[test]
fn an_unterminated_quote_ends_the_table_and_is_counted() {
    for last_field in [4, 9] {
        let mut cells: Vec<_> = "Comment,b6,,,Late,eve,4,0,1561972117,t3_a1"
            .split(',')
            .collect();
        let quoted = format!("\"{}", cells[last_field]);
        cells[last_field] = &quoted;
        let table = format!(
            "{REDDIT}{}\nPost,a4,Title,,,ann,1,0,1561972118,\n",
            cells.join(",")
        );
        let run = run(&[("reddit.csv", table.as_bytes())]);
        assert_eq!(run.items(Platform::Reddit).len(), 6);
        assert_eq!(
            run.dropped("reddit.csv", DropReason::UnterminatedQuote),
            Some((1, 12))
        );
    }
}

#[test]
fn unusable_input_is_an_error_that_names_the_file_and_leaves_nothing() {
    assert_eq!(refusal(&[("reddit.csv", b"")]), "reddit.csv is empty");
    assert_eq!(
        refusal(&[("reddit.csv", b"type,id\nPost,1\n")]),
        "reddit.csv, line 1: missing column `title`; found type, id"
    );
    assert_eq!(
        refusal(&[("tweets.jsonl", b"\n\n")]),
        "tweets.jsonl is empty"
    );
    let header = REDDIT.lines().next().unwrap();
    assert_eq!(
        refusal(&[("reddit.csv", header.as_bytes())]),
        "reddit.csv is empty"
    );
    assert_eq!(
        refusal(&[("tweets.jsonl", b"\nhello\nthere\n")]),
        "tweets.jsonl, line 2: not a JSON object; the file has no usable row"
    );
    assert_eq!(
        refusal(&[
            ("fb_news_posts.csv", POSTS.as_bytes()),
            ("fb_news_comments.csv", b"")
        ]),
        "fb_news_comments.csv is empty"
    );
    let endless = format!("{REDDIT}Post,a4,\"{}", "x\n".repeat(9 << 20));
    assert_eq!(
        refusal(&[("reddit.csv", endless.as_bytes())]),
        "reddit.csv, line 12: row over 16 MiB; a quote may be unterminated"
    );
    let nothing = refusal(&[("other.csv", b"")]);
    assert!(nothing.starts_with("no raw files in "), "{nothing}");
    let (output, nowhere) = (tempfile::tempdir().unwrap(), Path::new("/nowhere/at/all"));
    let error = options(nowhere, output.path())
        .run(&Progress::hidden())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read /nowhere/at/all: "),
        "{error}"
    );
}

#[test]
fn an_output_folder_that_cannot_be_written_is_named() {
    let input = folder_of(&[("reddit.csv", REDDIT.as_bytes())]);
    let in_the_way = input.path().join("reddit.csv");
    let error = options(input.path(), &in_the_way)
        .run(&Progress::hidden())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("cannot create {}: ", in_the_way.display())),
        "{error}"
    );
}
