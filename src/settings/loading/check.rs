//! The rules that types cannot say. Each section states its own in `check`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::issue::ConfigIssue;
use super::key::Key;

/// No setting lasts longer: sums of such times with now cannot overflow.
pub(super) const LONGEST: Duration = Duration::from_hours(24 * 3_650);

/// Collects what is wrong with the settings under one key.
#[derive(Default)]
pub struct Check {
    at: Key,
    issues: Vec<ConfigIssue>,
}

impl Check {
    pub(in crate::settings) fn issues(self) -> Vec<ConfigIssue> {
        self.issues
    }

    /// Checks what lies under `name`.
    pub fn under(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let below = self.at.join(name);
        let above = std::mem::replace(&mut self.at, below);
        check(self);
        self.at = above;
    }

    /// Reports `name` unless `holds`.
    pub fn require(&mut self, name: &str, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.issues
                .push(ConfigIssue::new(self.at.join(name), text()));
        }
    }

    /// Reports `name`, or an element of the list of that name, or the key `below` that.
    pub(crate) fn report(
        &mut self,
        name: &str,
        element: Option<usize>,
        below: Option<&str>,
        text: String,
    ) {
        let mut key = self.at.join(name);
        if let Some(index) = element {
            key = key.element(index);
        }
        if let Some(below) = below {
            key = key.join(below);
        }
        self.issues.push(ConfigIssue::new(key, text));
    }

    /// Reports the elements of the list `name` for which `holds` is false.
    pub(crate) fn require_each<T>(
        &mut self,
        name: &str,
        list: &[T],
        holds: impl Fn(&T) -> bool,
        text: &str,
    ) {
        let list_key = self.at.join(name);
        let wrong = list
            .iter()
            .enumerate()
            .filter(|(_, element)| !holds(element));
        self.issues.extend(
            wrong.map(|(index, _)| ConfigIssue::new(list_key.element(index), text.to_owned())),
        );
    }

    /// Reports `name` unless its value is in `range`.
    pub fn within<T: Copy + PartialOrd + Display>(
        &mut self,
        name: &str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        self.require(name, range.contains(&value), || {
            format!(
                "expected {} to {}, found {value}",
                range.start(),
                range.end()
            )
        });
    }

    /// Reports `name` unless its value is finite.
    pub fn finite(&mut self, name: &str, value: f64) {
        self.require(name, value.is_finite(), || {
            format!("expected a finite number, found {value}")
        });
    }

    /// Reports `name` if its text is empty or blank.
    pub fn not_empty(&mut self, name: &str, text: &str) {
        self.require(name, !text.trim().is_empty(), || {
            "must not be empty".to_owned()
        });
    }

    /// Reports `name` unless its time, which may be zero, is at most `longest`.
    pub fn at_most(&mut self, name: &str, time: Duration, longest: Duration) {
        self.require(name, time <= longest, || {
            format!(
                "must not be longer than {}",
                humantime::format_duration(longest)
            )
        });
    }

    /// Reports `name` unless its time is above zero.
    pub fn lasting(&mut self, name: &str, time: Duration) {
        self.require(name, !time.is_zero(), || "must be longer than 0".to_owned());
        self.require(name, time <= LONGEST, || {
            "must not be longer than 3650 days".to_owned()
        });
    }

    /// Checks each table of `tables`, and that its name may stand in a URL, a key or a metric.
    pub(in crate::settings) fn each<T>(
        &mut self,
        section: &str,
        tables: &BTreeMap<String, T>,
        check_table: impl Fn(&mut Self, &T),
    ) {
        let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
        self.under(section, |check| {
            for (name, table) in tables {
                check.require(name, !name.is_empty() && name.chars().all(plain), || {
                    "a name is made of letters, digits, _ and -".to_owned()
                });
                check.under(name, |check| check_table(check, table));
            }
        });
    }
}
