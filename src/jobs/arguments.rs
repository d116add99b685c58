//! Forms of arguments that several jobs take.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};

use super::ArgumentError;
use crate::db::TimeRange;
use crate::store::is_key;
use weir_feed::parse_timestamp;

/// Reads a job's arguments; `null` stands for none.
pub(super) fn read<T: DeserializeOwned>(arguments: &Value) -> Result<T, ArgumentError> {
    let none = Value::Object(Map::new());
    let arguments = match arguments {
        Value::Null => &none,
        Value::Object(_) => arguments,
        // Serde would take a list for the fields in their order.
        _ => return Err(ArgumentError::new(".", "expected an object")),
    };
    serde_path_to_error::deserialize(arguments)
        .map_err(|error| ArgumentError::new(error.path().to_string(), error.inner().to_string()))
}

/// Refuses a `result_key` that cannot be a key.
pub(super) fn validate_result_key(key: Option<&str>) -> Result<(), ArgumentError> {
    if key.is_none_or(is_key) {
        return Ok(());
    }
    let why = "expected 1 to 512 bytes without control characters";
    Err(ArgumentError::new("result_key", why))
}

/// A span of time back from now, written as `"30d"` or `"1h 30m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(TimeDelta);

impl Window {
    /// So many days.
    pub fn of_days(days: u32) -> Self {
        Self(TimeDelta::days(days.into()))
    }

    /// When the window begins that ends at `now`.
    pub fn start(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_sub_signed(self.0)
            .unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = || D::Error::custom("expected a duration with its unit, such as \"30d\"");
        let duration = humantime::parse_duration(&text).map_err(|_| expected())?;
        TimeDelta::from_std(duration)
            .map(Self)
            .map_err(|_| expected())
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let duration: Duration = self.0.to_std().unwrap_or_default();
        serializer.collect_str(&humantime::format_duration(duration))
    }
}

/// A time, read as ISO 8601 or `YYYY-MM-DD hh:mm:ss`, UTC when it names no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Moment(pub DateTime<Utc>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = || D::Error::custom("expected a time, such as \"2017-05-31 23:00:00\"");
        parse_timestamp(&text).map(Self).ok_or_else(expected)
    }
}

/// The arguments `from`, `to` and `window` together: `from <= created_at < to`, or the window that ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    from: Option<Moment>,
    to: Option<Moment>,
    window: Option<Window>,
}

impl Period {
    /// A period of these bounds or this window.
    pub fn new(from: Option<Moment>, to: Option<Moment>, window: Option<Window>) -> Self {
        Self { from, to, window }
    }

    /// Refuses a window beside bounds, and bounds in the wrong order.
    pub fn validate(&self) -> Result<(), ArgumentError> {
        if self.window.is_some() && (self.from.is_some() || self.to.is_some()) {
            let why = "expected either a window or from and to";
            return Err(ArgumentError::new("window", why));
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => {
                Err(ArgumentError::new("to", "expected a time after from"))
            }
            _ => Ok(()),
        }
    }

    /// The range meant at `now`.
    pub fn range(&self, now: DateTime<Utc>) -> TimeRange {
        let start = self.window.map(|window| window.start(now));
        TimeRange {
            from: self.from.map(|from| from.0).or(start),
            to: self.to.map(|to| to.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_written_as_it_is_read() {
        let window: Window = serde_json::from_str("\"30d\"").unwrap();
        let written = serde_json::to_string(&window).unwrap();
        assert_eq!(serde_json::from_str::<Window>(&written).unwrap(), window);
        let now = parse_timestamp("2017-05-31T00:00:00Z").unwrap();
        assert_eq!(
            window.start(now),
            parse_timestamp("2017-05-01T00:00:00Z").unwrap()
        );
    }

    #[test]
    fn a_window_longer_than_time_begins_with_it() {
        let window: Window = serde_json::from_str("\"200000years\"").unwrap();
        let range = Period::new(None, None, Some(window)).range(Utc::now());
        assert!(range.from.is_some());
    }
}
