//! Lenient parsing of JSON values, as pydantic does it in lax mode.
//!
//! Here are the scalars: numbers as strings, whole floats, booleans as numbers and words.

pub(crate) mod choice;
pub(crate) mod counts;
pub(crate) mod object;
pub(crate) mod surrogates;
pub(crate) mod time;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A whole number, saturating at the bounds of `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer {
    pub(crate) value: i64,
    /// Whether it was written as a JSON integer, not as a string, float or boolean.
    pub(crate) exact: bool,
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerVisitor)
    }
}

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Integer, E> {
        Ok(Integer { value, exact: true })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Integer, E> {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Ok(Integer { value, exact: true })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Integer, E> {
        match whole(value) {
            Some(value) => Ok(Integer {
                value,
                exact: false,
            }),
            None => Err(E::invalid_value(Unexpected::Float(value), &self)),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Integer, E> {
        Ok(Integer {
            value: value.into(),
            exact: false,
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Integer, E> {
        match parse_integer(text) {
            Some(value) => Ok(Integer {
                value,
                exact: false,
            }),
            None => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a saturating cast of a whole number is what is meant"
)]
pub(crate) fn whole(value: f64) -> Option<i64> {
    (value.is_finite() && value.fract() == 0.0).then_some(value as i64)
}

/// A whole number in text: `[+-] digits`, single underscores between digits, an optional fraction of zeros, white space around it. Saturates at the bounds of `i64`.
pub fn parse_integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, zeros) = digits.split_once('.').unwrap_or((digits, "0"));
    if zeros.is_empty() || zeros.bytes().any(|b| b != b'0') {
        return None;
    }
    let mut value = 0_i64;
    for group in digits.split('_') {
        if group.is_empty() || !group.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        for digit in group.bytes() {
            value = value
                .saturating_mul(10)
                .saturating_add(i64::from(digit - b'0'));
        }
    }
    Some(if negative { -value } else { value })
}

/// A count: a whole number of 0 or more.
pub(crate) fn count<E: Error>(number: Integer) -> Result<u64, E> {
    u64::try_from(number.value).map_err(|_| {
        E::invalid_value(
            Unexpected::Signed(number.value),
            &"a whole number of 0 or more",
        )
    })
}

/// A count, or nothing for `null`.
pub(crate) fn optional_count<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    Option::<Integer>::deserialize(deserializer)?
        .map(count)
        .transpose()
}

/// A boolean, or nothing for `null`.
pub(crate) fn optional_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    Ok(Option::<Flag>::deserialize(deserializer)?.map(|flag| flag.0))
}

struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Flag, E> {
        match value {
            0 => Ok(Flag(false)),
            1 => Ok(Flag(true)),
            _ => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Flag, E> {
        Err(E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Flag, E> {
        match whole(value) {
            Some(0) => Ok(Flag(false)),
            Some(1) => Ok(Flag(true)),
            _ => Err(E::invalid_value(Unexpected::Float(value), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
        match text.to_ascii_lowercase().as_str() {
            "0" | "off" | "f" | "false" | "n" | "no" => Ok(Flag(false)),
            "1" | "on" | "t" | "true" | "y" | "yes" => Ok(Flag(true)),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

/// A number from 0 to 1, or nothing for `null`.
pub(crate) fn optional_share<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Share>::deserialize(deserializer)?.map(|share| share.0))
}

struct Share(f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShareVisitor)
    }
}

struct ShareVisitor;

impl Visitor<'_> for ShareVisitor {
    type Value = Share;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 1")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Share, E> {
        if (0.0..=1.0).contains(&value) {
            Ok(Share(value))
        } else {
            Err(E::invalid_value(Unexpected::Float(value), &self))
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Share, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Share, E> {
        self.visit_f64(value as f64)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Share, E> {
        Ok(Share(f64::from(u8::from(value))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Share, E> {
        match text.trim().parse() {
            Ok(value) => self.visit_f64(value),
            Err(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}
