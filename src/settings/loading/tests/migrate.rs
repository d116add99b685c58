use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{load, read};
use crate::settings::{Migration, SettingsError};

/// Files of the version before: its defaults, its examples and the samples of its manual.
const BEFORE: [&str; 4] = [
    include_str!("before/default.toml"),
    include_str!("before/calm.toml"),
    include_str!("before/postgres_redis.toml"),
    include_str!("before/manual.toml"),
];

fn migrated(text: &str) -> String {
    let migration = Migration::of_text(Path::new("weir.toml"), text.to_owned());
    migration.unwrap().text().to_owned()
}

#[test]
fn files_of_the_version_before_say_the_same_with_the_present_names() {
    for before in BEFORE {
        let after = migrated(before);
        let loaded = read(&after, &[]).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert_eq!(loaded.settings, load(before, &[]).unwrap());
        assert_eq!(migrated(&after), after);
    }
}

#[test]
fn only_what_was_renamed_is_rewritten() {
    for before in BEFORE {
        let after = migrated(before);
        let old: Vec<&str> = before.lines().collect();
        let new: Vec<&str> = after
            .lines()
            .filter(|line| *line != "mode = \"once\"")
            .collect();
        assert_eq!(old.len(), new.len());
        for (old, new) in old.iter().zip(new) {
            let is_renamed = old.contains("_ms")
                || ["[results]", "[commands", "\"command\"", "command ="]
                    .iter()
                    .any(|name| old.contains(name));
            assert!(is_renamed || *old == new, "{old} became {new}");
            let comment = |line: &str| line.split_once('#').map(|(_, text)| text.to_owned());
            assert_eq!(comment(old), comment(new));
        }
    }
}

#[test]
fn keys_are_renamed_where_they_stand_in_every_form() {
    let before = "# first\nresults.backend = \"embedded\" # here\nresults.prefix = \"a:\"\ndata_dir = \"d\"\n\n\
                  commands = { a = { argv = [\"x\"] } }\r\n[server] # limits\n  body_timeout_ms=90000  # long\n";
    let after = "# first\nstore.backend = \"embedded\" # here\nstore.prefix = \"a:\"\ndata_dir = \"d\"\n\n\
                 programs = { a = { argv = [\"x\"], mode = \"once\" } }\n[server] # limits\n  body_timeout=\"1m 30s\"  # long\n";
    assert_eq!(migrated(before), after.replace('\n', "\r\n"));
}

#[test]
fn a_key_by_both_names_is_not_guessed_at() {
    let both = "[ranking]\ndeadline = \"1s\"\ndeadline_ms = 5\n".to_owned();
    let refused = Migration::of_text(Path::new("weir.toml"), both);
    assert!(matches!(refused, Err(SettingsError::Wrong(problems)) if problems.len() == 1));
}

#[test]
fn the_file_behind_a_link_is_replaced_and_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (
        folder.path().join("real.toml"),
        folder.path().join("weir.toml"),
    );
    fs::write(&file, "[results]\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    symlink(&file, &link).unwrap();
    Migration::plan(&link).unwrap().apply(&link).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "[store]\n");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
