//! Keys that had another name, or another form of value, in the version before.
//!
//! Old names are replaced before a layer is read, so that no other part knows them. A row of [`RENAMES`] is all that a rename
//! needs.

use std::time::Duration;

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::key::{Key, Step};

/// A key that was renamed within its table.
struct Rename {
    /// The table, where `*` stands for any name; empty for the whole document.
    table: &'static str,
    old: &'static str,
    new: &'static str,
    value: Conversion,
}

/// Change of a value that goes with a new name.
#[derive(Clone, Copy, PartialEq)]
enum Conversion {
    None,
    /// Whole milliseconds become text with a unit.
    Milliseconds,
    /// Each table gets `mode = "once"`.
    Programs,
    /// The name of a job.
    Job,
}

const RENAMES: [Rename; 13] = [
    renamed("", "results", "store", Conversion::None),
    renamed("", "commands", "programs", Conversion::Programs),
    milliseconds("server", "body_timeout_ms", "body_timeout"),
    milliseconds("server", "max_score_deadline_ms", "max_score_deadline"),
    milliseconds("database", "connect_timeout_ms", "connect_timeout"),
    milliseconds("ranking", "deadline_ms", "deadline"),
    milliseconds("scorers.*", "max_delay_ms", "max_delay"),
    milliseconds("scorers.*", "time_limit_ms", "time_limit"),
    milliseconds("scorers.*", "sleep_ms", "sleep"),
    milliseconds("scorers.*.http", "timeout_ms", "timeout"),
    renamed("schedules.*", "job", "job", Conversion::Job),
    renamed("schedules.*.args", "command", "program", Conversion::None),
    milliseconds("shutdown", "grace_ms", "grace"),
];

const fn renamed(
    table: &'static str,
    old: &'static str,
    new: &'static str,
    value: Conversion,
) -> Rename {
    Rename {
        table,
        old,
        new,
        value,
    }
}

const fn milliseconds(table: &'static str, old: &'static str, new: &'static str) -> Rename {
    renamed(table, old, new, Conversion::Milliseconds)
}

/// A key or value of a layer that was replaced by its present form.
#[derive(Debug)]
pub(super) struct Renamed {
    /// The key as it was written.
    pub(super) old: Key,
    pub(super) new: Key,
    /// How the value has changed too; empty if it has not.
    note: &'static str,
    /// True if the new name was there as well, so that the old one is dropped.
    pub(super) is_twice: bool,
}

impl Renamed {
    /// Returns what to tell the author of the layer.
    pub(super) fn text(&self) -> String {
        match (self.is_twice, self.old == self.new) {
            (true, _) => format!("renamed to {}, which is given as well", self.new),
            (false, true) => self.note.to_owned(),
            (false, false) => format!("renamed to {}{}", self.new, self.note),
        }
    }
}

/// Replaces the old names in a document; its formatting and comments stay.
pub(super) fn apply(document: &mut DocumentMut) -> Vec<Renamed> {
    let mut found = Vec::new();
    for rename in &RENAMES {
        let table = rename.table.split('.').filter(|name| !name.is_empty());
        let table: Vec<&str> = table.collect();
        rename.apply(&Key::default(), &table, document.as_table_mut(), &mut found);
    }
    found
}

/// Replaces the old names in a key and its value, as a variable of the environment gives them.
pub(super) fn apply_to_variable(key: &Key, text: &str) -> Option<(Renamed, String)> {
    let (depth, rename) = (0..key.steps().len()).find_map(|depth| {
        let (table, rest) = key.steps().split_at(depth);
        let is_meant = |rename: &&Rename| rename.holds(table) && rest[0].is_name(rename.old);
        Some((depth, RENAMES.iter().find(is_meant)?))
    })?;
    let mut text = text.to_owned();
    let mut changed = false;
    if depth + 1 == key.steps().len() {
        let number = text.parse().ok().map(|number: i64| Value::from(number));
        let mut item = Item::Value(number.unwrap_or_else(|| Value::from(text.as_str())));
        changed = rename.value.convert(&mut item);
        if let Some(converted) = item.as_str().filter(|_| changed) {
            converted.clone_into(&mut text);
        }
    }
    let new = key.with_name(depth, rename.new);
    (changed || new != *key).then(|| {
        let renamed = Renamed {
            old: key.clone(),
            new,
            note: rename.value.note(),
            is_twice: false,
        };
        (renamed, text)
    })
}

/// Returns the old name of the key `name` in a table.
pub(super) fn old_name(table: &[Step], name: &Step) -> Option<Step> {
    let rename = RENAMES
        .iter()
        .find(|rename| rename.holds(table) && name.is_name(rename.new))?;
    Some(Step::Name(rename.old.to_owned()))
}

/// Returns whether a schedule's job is `program`, or another layer says which it is.
fn is_program(schedule: &dyn TableLike) -> bool {
    let job = schedule.get("job").and_then(Item::as_str);
    job.is_none_or(|job| job == "program")
}

impl Rename {
    fn holds(&self, table: &[Step]) -> bool {
        let mut pattern = self.table.split('.').filter(|name| !name.is_empty());
        table.iter().all(|step| {
            pattern
                .next()
                .is_some_and(|name| name == "*" || step.is_name(name))
        }) && pattern.next().is_none()
    }

    /// Walks down the tables that match `pattern` and renames within them; arguments only where they are those of the job
    /// `program`, whose name is replaced first.
    fn apply(
        &self,
        at: &Key,
        pattern: &[&str],
        table: &mut dyn TableLike,
        found: &mut Vec<Renamed>,
    ) {
        let Some((name, below)) = pattern.split_first() else {
            found.extend(self.apply_here(at, table));
            return;
        };
        if *name == "args" && !is_program(table) {
            return;
        }
        for (key, item) in table.iter_mut() {
            if *name != "*" && *name != key.get() {
                continue;
            }
            if let Some(inner) = item.as_table_like_mut() {
                self.apply(&at.join(key.get()), below, inner, found);
            }
        }
    }

    fn apply_here(&self, at: &Key, table: &mut dyn TableLike) -> Option<Renamed> {
        let item = table.get_mut(self.old)?;
        let changed = self.value.convert(item);
        let is_renamed = self.old != self.new;
        let is_twice = is_renamed && table.contains_key(self.new);
        if is_twice {
            table.remove(self.old);
        } else if is_renamed {
            rename_key(table, self.old, self.new);
        }
        (changed || is_renamed).then(|| Renamed {
            old: at.join(self.old),
            new: at.join(self.new),
            note: self.value.note(),
            is_twice,
        })
    }
}

/// Renames a key where it stands: all entries are taken out and put back in their order.
fn rename_key(table: &mut dyn TableLike, old: &str, new: &str) {
    let names: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let (Some(key), Some(item)) = (table.key(&name).cloned(), table.remove(&name)) else {
            continue;
        };
        let key = if name == old {
            toml_edit::Key::new(new)
                .with_leaf_decor(key.leaf_decor().clone())
                .with_dotted_decor(key.dotted_decor().clone())
        } else {
            key
        };
        table.entry_format(&key).or_insert(item);
    }
}

impl Conversion {
    /// Returns whether the value was in the old form.
    fn convert(self, item: &mut Item) -> bool {
        match self {
            Self::None => false,
            Self::Milliseconds => {
                let ms = item.as_integer().and_then(|ms| u64::try_from(ms).ok());
                ms.is_some_and(|ms| replace(item, duration(ms)))
            }
            Self::Job => item.as_str() == Some("command") && replace(item, "program".to_owned()),
            Self::Programs => {
                let programs = item.as_table_like_mut().into_iter();
                for (_, program) in programs.flat_map(|programs| programs.iter_mut()) {
                    run_once(program);
                }
                true
            }
        }
    }

    fn note(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Milliseconds => ", which is text with a unit",
            Self::Programs => ", where each needs mode = \"once\"",
            Self::Job => "the job \"command\" was renamed to \"program\"",
        }
    }
}

fn run_once(program: &mut Item) {
    let is_inline = program.is_inline_table();
    let Some(table) = program.as_table_like_mut() else {
        return;
    };
    if !table.contains_key("mode") {
        table.insert("mode", toml_edit::value("once"));
        if is_inline {
            table.fmt();
        }
    }
}

/// Puts `text` in location of a value, whose comment stays.
fn replace(item: &mut Item, text: String) -> bool {
    let Some(value) = item.as_value_mut() else {
        return false;
    };
    let decor = value.decor().clone();
    *value = Value::from(text);
    *value.decor_mut() = decor;
    true
}

fn duration(ms: u64) -> String {
    if ms.is_multiple_of(1_000) {
        humantime::format_duration(Duration::from_millis(ms)).to_string()
    } else {
        format!("{ms}ms")
    }
}
