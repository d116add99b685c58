//! The modules import downward only; `docs/architecture.md` draws the layers.

use std::fs;
use std::path::Path;

/// Lowest first. A module imports from its own layer and those before it.
const LAYERS: &[&[&str]] = &[
    &[
        "data_dir",
        "durable_file",
        "health",
        "outage",
        "priority",
        "programs",
        "ranking",
        "rate_limit",
        "regular_file",
        "scoring",
        "settings",
        "snapshot",
        "sql",
        "telemetry",
        "timetable",
    ],
    &["redis_server", "store", "queue", "db", "sources", "seeding"],
    &["ingestion", "jobs"],
    &["actors", "serving"],
    &["http"],
    &["app"],
    &["cli"],
];

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|modules| modules.contains(&module));
    found.unwrap_or_else(|| panic!("{module} has no layer yet"))
}

/// Every file of a module with its text.
fn files(path: &Path) -> Vec<(String, String)> {
    if path.is_file() {
        let text = fs::read_to_string(path).unwrap_or_default();
        return vec![(path.display().to_string(), text)];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| files(&entry.path()))
        .filter(|(name, _)| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "rs")
        })
        .collect()
}

fn modules() -> Vec<(String, Vec<(String, String)>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = fs::read_dir(source).into_iter().flatten().flatten();
    let named = entries.map(|entry| {
        let name = entry
            .file_name()
            .to_string_lossy()
            .trim_end_matches(".rs")
            .to_owned();
        (name, files(&entry.path()))
    });
    named
        .filter(|(name, _)| name != "lib" && name != "main")
        .collect()
}

/// What comes after each `crate::` outside comments: one name, or those of a group.
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let mut depth = 0;
        let mut at_name = true;
        let mut name = String::new();
        for c in rest.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                c if c.is_alphanumeric() || c == '_' => {
                    if at_name && depth <= 1 {
                        name.push(c);
                    }
                    continue;
                }
                _ => {}
            }
            if !name.is_empty() {
                names.push(std::mem::take(&mut name));
            }
            at_name = depth == 1 && (c == '{' || c == ',' || (at_name && c.is_whitespace()));
            if depth <= 0 {
                break;
            }
        }
    }
    names.retain(|name| name.starts_with(char::is_lowercase));
    names
}

#[test]
fn imports_are_parsed_singly_and_in_groups() {
    assert_eq!(imports("use crate::feed::{Item, Session};"), ["feed"]);
    assert_eq!(
        imports("use crate::{\n    db::{A, b::C},\n    feed::Item,\n};"),
        ["db", "feed"]
    );
    assert_eq!(
        imports("// crate::http\nlet a = crate::jobs::run();"),
        ["jobs"]
    );
}

#[test]
fn nothing_imports_upward() {
    let modules = modules();
    assert!(modules.len() > 10);
    for (module, files) in &modules {
        for (file, text) in files {
            for import in imports(text) {
                assert!(
                    layer(&import) <= layer(module),
                    "{file} imports {import}, which is above {module}"
                );
            }
        }
    }
}

#[test]
fn ranking_names_no_actor_and_no_store() {
    let modules = modules();
    let ranking = modules.iter().find(|(name, _)| name == "ranking");
    for (file, text) in ranking.into_iter().flat_map(|(_, files)| files) {
        for word in ["actix", "redis", "sea_orm", "tokio"] {
            assert!(!text.contains(word), "{file} names {word}");
        }
    }
}

#[test]
fn feed_imports_nothing_of_ours() {
    let modules = modules();
    let feed = modules.iter().find(|(name, _)| name == "feed");
    for (file, text) in feed.into_iter().flat_map(|(_, files)| files) {
        let foreign: Vec<String> = imports(text)
            .into_iter()
            .filter(|name| name != "feed")
            .collect();
        assert!(foreign.is_empty(), "{file} imports {foreign:?}");
    }
}
