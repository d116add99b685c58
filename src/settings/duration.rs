//! Durations as people write them: `"250ms"`, `"60s"`, `"1h 30m"`, `"30d"`.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected};

/// Reads a duration from a string with units; a bare number is an error, for it hides its unit.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|_| {
        D::Error::invalid_value(
            Unexpected::Str(&text),
            &"a duration with its unit, such as \"60s\"",
        )
    })
}
