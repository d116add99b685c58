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

/// As [`duration`], and `"forever"` for the longest time.
pub(crate) mod duration_or_forever {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    use super::{Form, duration};
    use crate::settings::loading::check::LONGEST;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        deserializer.deserialize_str(Form {
            expected: "a duration with its unit, such as \"30d\", or \"forever\"",
            parse: |text| match text {
                "forever" => Some(LONGEST),
                text => humantime::parse_duration(text).ok(),
            },
        })
    }

    pub(crate) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if *duration == LONGEST {
            serializer.serialize_str("forever")
        } else {
            duration::serialize(duration, serializer)
        }
    }
}

/// Reads a duration where there may be none.
pub(crate) fn some_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration::deserialize(deserializer).map(Some)
}

/// Numbers of bytes as people write them, for `serde(deserialize_with)`: `"0"`, `"512MiB"`, `"4GiB"`.
pub(crate) mod bytes {
    use serde::Deserializer;

    use super::Form;

    const UNITS: [(&str, u64); 5] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("B", 1),
    ];

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(Form {
            expected: "a number of bytes with its unit, such as \"4GiB\", or \"0\"",
            parse,
        })
    }

    fn parse(text: &str) -> Option<u64> {
        if text.trim() == "0" {
            return Some(0);
        }
        UNITS.iter().find_map(|(unit, size)| {
            let number = text.trim().strip_suffix(unit)?;
            number.trim().parse::<u64>().ok()?.checked_mul(*size)
        })
    }

    #[cfg(test)]
    mod tests {
        use super::parse;

        #[test]
        fn a_number_of_bytes_has_a_unit() {
            assert_eq!(parse("4GiB"), Some(4 << 30));
            assert_eq!(parse("512 MiB"), Some(512 << 20));
            assert_eq!(parse("7B"), Some(7));
            assert_eq!(parse("0"), Some(0));
            for text in ["", "4", "4GB", "GiB", "-1B", "99999999TiB"] {
                assert_eq!(parse(text), None, "{text}");
            }
        }
    }
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
