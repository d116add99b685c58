//! Values that are written as text with a form of its own.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use chrono_tz::Tz;
use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

use crate::timetable::{CronError, CronExpression};

/// Durations as people write them, for `serde(with)`: `"250ms"`, `"60s"`, `"1h 30m"`, `"30d"`. A bare number hides its unit and is
/// an error.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    use super::Form;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        deserializer.deserialize_str(Form {
            expected: "a duration with its unit, such as \"60s\"",
            parse: |text| humantime::parse_duration(text).ok(),
        })
    }

    pub(crate) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }
}

/// Reads a duration where there may be none.
pub(crate) fn some_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration::deserialize(deserializer).map(Some)
}

/// Reads an address with its port.
pub(crate) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    deserializer.deserialize_str(Form {
        expected: "an address and port, such as \"127.0.0.1:8001\"",
        parse: |text| text.parse().ok(),
    })
}

/// Reads the name of a time zone.
pub(crate) fn timezone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    deserializer.deserialize_str(Form {
        expected: "a time zone, such as \"Europe/Berlin\"",
        parse: |text| text.parse().ok(),
    })
}

/// Reads a cron expression; an empty text is none.
pub(crate) fn some_cron<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<CronExpression>, D::Error> {
    deserializer.deserialize_str(Cron)
}

struct Cron;

impl Visitor<'_> for Cron {
    type Value = Option<CronExpression>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cron expression, such as \"0 3 * * *\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|error| match error {
            CronError::Field(field) => {
                let expected = format!("a cron expression ({field})");
                E::invalid_value(Unexpected::Str(text), &expected.as_str())
            }
            CronError::Other(_) => E::invalid_value(Unexpected::Str(text), &self),
        })
    }
}

struct Form<T> {
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Form<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
