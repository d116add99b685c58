//! The files that ship agree with the code.

use std::collections::BTreeSet;

use serde_json::Value;

use super::load;
use crate::settings::Settings;
use crate::settings::loading::layers::{DEFAULT, LISTS, Layers};

#[test]
fn the_default_file_says_what_the_code_defaults_to() {
    let nothing = Settings::from_layers(&Layers::default()).unwrap().settings;
    assert_eq!(nothing, Settings::default());
    let empty: Settings = serde_json::from_str("{}").unwrap();
    assert_eq!(nothing, empty);
}

#[test]
fn the_default_file_names_every_key() {
    let tree = Layers::default().merged().unwrap();
    let by_name = [
        "arms",
        "policies",
        "scorers",
        "programs",
        "schedules",
        "scrapers",
    ];
    let mut tables: Vec<Vec<&str>> = vec![vec![]];
    for (name, section) in tree.as_object().unwrap() {
        for (below, value) in section.as_object().into_iter().flatten() {
            if value.is_object() {
                tables.push(vec![name, below]);
            }
        }
        if section.is_object() && !by_name.contains(&name.as_str()) {
            tables.push(vec![name]);
        }
    }
    for table in tables {
        let mut probe = tree.clone();
        let place = table
            .iter()
            .fold(&mut probe, |value, name| &mut value[*name]);
        let written: BTreeSet<String> = place.as_object().unwrap().keys().cloned().collect();
        place["no_such_key"] = Value::Null;
        let refusal = serde_json::from_value::<Settings>(probe)
            .unwrap_err()
            .to_string();
        let known = refusal
            .split('`')
            .skip(3)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        assert_eq!(written, known, "in {table:?}");
    }
}

#[test]
fn the_files_that_ship_are_valid() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
    let examples = std::fs::read_dir(format!("{root}/examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for path in examples.chain([format!("{root}/docker.toml").into()]) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            load(&text, &[]).is_ok(),
            "{}: {:?}",
            path.display(),
            load(&text, &[])
        );
    }
}

#[test]
fn the_manual_names_every_key() {
    let manual = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/configuration.md"
    ))
    .unwrap();
    for line in DEFAULT.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" = ") {
            assert!(
                manual.contains(&format!("`{name}`")),
                "{name} is not in docs/configuration.md"
            );
        }
    }
}

#[test]
fn every_list_can_be_given_as_a_variable() {
    let tree = Layers::default().merged().unwrap();
    let mut lists = BTreeSet::new();
    for (section, table) in tree.as_object().unwrap() {
        let keys = table.as_object().into_iter().flatten();
        lists.extend(
            keys.filter(|(_, value)| value.is_array())
                .map(|(key, _)| format!("{section}.{key}")),
        );
    }
    assert_eq!(lists, LISTS.map(str::to_owned).into());
}
