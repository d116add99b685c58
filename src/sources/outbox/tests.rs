use std::fs;

use serde_json::json;
use serde_json::value::to_raw_value;
use tempfile::TempDir;

use super::*;

const SOURCE: &str = "rss:1";

fn page(number: u32) -> OutboxEntry {
    let post = OutboxPost {
        post_id: number.to_string(),
        blob: to_raw_value(&json!({ "n": number })).unwrap(),
    };
    OutboxEntry {
        task_id: "task".to_owned(),
        source: SOURCE.to_owned(),
        position: Some(Position::new(&number)),
        posts: vec![post],
        errors: Vec::new(),
    }
}

fn first(outbox: &mut Outbox) -> Option<String> {
    let (_, entry) = outbox.first().unwrap()?;
    Some(entry.posts[0].post_id.clone())
}

fn acknowledge(outbox: &mut Outbox) {
    let (receipt, _) = outbox.first().unwrap().unwrap();
    outbox.acknowledge(receipt).unwrap();
}

fn reopened(folder: &TempDir) -> Outbox {
    Outbox::open(&folder.path().join("feeds/a.jsonl")).unwrap()
}

#[test]
fn entries_and_the_position_outlive_a_restart_in_their_order() {
    let folder = TempDir::new().unwrap();
    let mut outbox = reopened(&folder);
    for number in 1..=3 {
        outbox.append(&page(number)).unwrap();
    }
    acknowledge(&mut outbox);
    let mut outbox = reopened(&folder);
    // The acknowledgement of one of several is not on the disk: it comes once more, and is stored once.
    acknowledge(&mut outbox);
    assert_eq!(first(&mut outbox).as_deref(), Some("2"));
    acknowledge(&mut outbox);
    acknowledge(&mut outbox);
    let mut outbox = reopened(&folder);
    assert_eq!(first(&mut outbox), None);
    assert_eq!(outbox.waiting_bytes(), 0);
    assert_eq!(outbox.position_of(SOURCE), Position::new(&3));
}

#[test]
fn an_entry_acknowledged_twice_costs_no_other() {
    let folder = TempDir::new().unwrap();
    let mut outbox = reopened(&folder);
    outbox.append(&page(1)).unwrap();
    outbox.append(&page(2)).unwrap();
    let (receipt, _) = outbox.first().unwrap().unwrap();
    outbox.acknowledge(receipt).unwrap();
    outbox.acknowledge(receipt).unwrap();
    assert_eq!(first(&mut outbox).as_deref(), Some("2"));
}

#[test]
fn another_source_begins_at_its_own_beginning() {
    let folder = TempDir::new().unwrap();
    let mut outbox = reopened(&folder);
    outbox.append(&page(1)).unwrap();
    assert_eq!(outbox.position_of("rss:2"), Position::default());
    acknowledge(&mut outbox);
    let outbox = reopened(&folder);
    assert_eq!(outbox.position_of("rss:2"), Position::default());
    assert_eq!(outbox.position_of(SOURCE), Position::new(&1));
}

#[test]
fn an_emptied_outbox_is_a_short_file() {
    let folder = TempDir::new().unwrap();
    let mut outbox = reopened(&folder);
    for number in 0..100 {
        outbox.append(&page(number)).unwrap();
    }
    while first(&mut outbox).is_some() {
        acknowledge(&mut outbox);
    }
    let length = fs::metadata(folder.path().join("feeds/a.jsonl")).unwrap();
    assert!(length.len() < 100);
    outbox.append(&page(7)).unwrap();
    assert_eq!(first(&mut reopened(&folder)).as_deref(), Some("7"));
}

#[test]
fn a_crash_at_any_byte_leaves_whole_entries_and_their_position() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("feeds/a.jsonl");
    let mut outbox = reopened(&folder);
    outbox.append(&page(1)).unwrap();
    let one = fs::metadata(&path).unwrap().len();
    outbox.append(&page(2)).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut outbox = reopened(&folder);
        let entries = usize::from(length as u64 >= one) + usize::from(length == whole.len());
        assert_eq!(outbox.waiting.len(), entries, "at {length}");
        let position = [Position::default(), Position::new(&1), Position::new(&2)];
        assert_eq!(outbox.position_of(SOURCE), position[entries]);
        // What follows is not spoilt by what was cut off.
        outbox.append(&page(9)).unwrap();
        assert_eq!(reopened(&folder).waiting.len(), entries + 1);
    }
}

#[test]
fn what_is_acknowledged_is_cut_off_although_more_waits() {
    let folder = TempDir::new().unwrap();
    let mut outbox = reopened(&folder);
    let mut large = page(0);
    large.errors = vec!["x".repeat(1024 * 1024)];
    for _ in 0..8 {
        outbox.append(&large).unwrap();
    }
    for _ in 0..7 {
        acknowledge(&mut outbox);
    }
    let length = fs::metadata(folder.path().join("feeds/a.jsonl")).unwrap();
    assert!(length.len() < 5 * 1024 * 1024, "{}", length.len());
    assert_eq!(first(&mut outbox).as_deref(), Some("0"));
    assert_eq!(first(&mut reopened(&folder)).as_deref(), Some("0"));
}

#[test]
fn a_line_spoilt_in_the_middle_is_told_and_nothing_is_thrown_away() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("feeds/a.jsonl");
    let mut outbox = reopened(&folder);
    outbox.append(&page(1)).unwrap();
    let mut text = b"{ not ours }\n".to_vec();
    text.extend(fs::read(&path).unwrap());
    fs::write(&path, &text).unwrap();
    let refusal = Outbox::open(&path).unwrap_err();
    assert!(matches!(refusal, OutboxError::Unreadable { line: 1, .. }));
    assert_eq!(fs::read(&path).unwrap(), text);
}

#[test]
fn a_file_that_cannot_be_emptied_is_written_on_and_emptied_later() {
    let folder = TempDir::new().unwrap();
    let mut outbox = reopened(&folder);
    outbox.append(&page(1)).unwrap();
    let in_the_way = folder.path().join("feeds/a.new");
    fs::create_dir(&in_the_way).unwrap();
    let (receipt, _) = outbox.first().unwrap().unwrap();
    outbox.acknowledge(receipt).unwrap_err();
    assert!(outbox.failure().is_some());
    outbox.append(&page(2)).unwrap();
    assert_eq!(first(&mut outbox).as_deref(), Some("2"));
    fs::remove_dir(in_the_way).unwrap();
    acknowledge(&mut outbox);
    assert_eq!(outbox.failure(), None);
    let mut outbox = reopened(&folder);
    assert_eq!(first(&mut outbox), None);
    assert_eq!(outbox.position_of(SOURCE), Position::new(&2));
}

#[test]
fn a_pass_that_found_nothing_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let mut outbox = reopened(&folder);
    let nothing = OutboxEntry {
        position: Some(Position::default()),
        ..OutboxEntry::default()
    };
    outbox.append(&nothing).unwrap();
    assert_eq!(outbox.file.end(), 0);
}
