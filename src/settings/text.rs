//! Values that are written as text with a form of its own.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// Reads a duration as people write it: `"250ms"`, `"60s"`, `"1h 30m"`, `"30d"`. A bare number hides its unit and is an error.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(Form {
        expected: "a duration with its unit, such as \"60s\"",
        parse: |text| humantime::parse_duration(text).ok(),
    })
}

/// Reads an address with its port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    deserializer.deserialize_str(Form {
        expected: "an address and port, such as \"127.0.0.1:8001\"",
        parse: |text| text.parse().ok(),
    })
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
