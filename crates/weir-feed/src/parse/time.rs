//! Times as clients write them, always read as UTC.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Epoch numbers past this size are milliseconds, others seconds (pydantic's watershed).
const MAX_EPOCH_SECONDS: i64 = 20_000_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Reads an ISO 8601 time (`T`, `t`, `_` or a space before the hour; seconds, fraction and zone optional; no zone means
/// UTC), a bare date, or a number of epoch seconds or milliseconds. Years 1 to 9999, microseconds; `None` for anything else.
pub fn parse_timestamp(text: &str) -> Option<DateTime<Utc>> {
    parse_iso(text.as_bytes()).or_else(|| parse_epoch(text))
}

pub(crate) fn timestamp<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<DateTime<Utc>, D::Error> {
    deserializer.deserialize_any(TimestampVisitor)
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = DateTime<Utc>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a time as `YYYY-MM-DD hh:mm:ss`, ISO 8601 or epoch seconds, in the years 1 to 9999",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        parse_timestamp(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        from_epoch(number).ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        from_fractional_epoch(number)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

fn from_epoch(number: i64) -> Option<DateTime<Utc>> {
    let unit = if number.unsigned_abs() > MAX_EPOCH_SECONDS.unsigned_abs() {
        MICROS_PER_SECOND / 1000
    } else {
        MICROS_PER_SECOND
    };
    in_range(DateTime::from_timestamp_micros(number.checked_mul(unit)?)?)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "saturates, and what saturates is out of range"
)]
fn from_fractional_epoch(number: f64) -> Option<DateTime<Utc>> {
    let seconds = if number.abs() > MAX_EPOCH_SECONDS as f64 {
        number / 1000.0
    } else {
        number
    };
    let micros = (seconds * MICROS_PER_SECOND as f64).round();
    in_range(DateTime::from_timestamp_micros(micros as i64)?)
}

fn in_range(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (earliest()..=latest())
        .contains(&time.naive_utc())
        .then_some(time)
}

fn earliest() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(1, 1, 1)
        .unwrap_or_default()
        .and_time(NaiveTime::MIN)
}

fn latest() -> NaiveDateTime {
    let last_moment = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap_or_default();
    NaiveDate::from_ymd_opt(9999, 12, 31)
        .unwrap_or_default()
        .and_time(last_moment)
}

/// A number of epoch seconds or milliseconds in text: digits with a sign, or a decimal number with a point.
fn parse_epoch(text: &str) -> Option<DateTime<Utc>> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        from_epoch(text.parse().ok()?)
    } else if digits.contains('.') && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        from_fractional_epoch(text.parse().ok()?)
    } else {
        None
    }
}

fn parse_iso(text: &[u8]) -> Option<DateTime<Utc>> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = parse_date(date)?;
    if rest.is_empty() {
        return in_range(date.and_time(NaiveTime::MIN).and_utc());
    }
    let (separator, rest) = rest.split_first()?;
    if !matches!(separator, b'T' | b't' | b' ' | b'_') {
        return None;
    }
    let (time, rest) = parse_time(rest)?;
    let offset = parse_offset(rest)?;
    let local = date.and_time(time);
    let utc = local - TimeDelta::seconds(offset.local_minus_utc().into());
    Some(utc.clamp(earliest(), latest()).and_utc())
}

fn parse_date(text: &[u8]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else {
        return None;
    };
    let year = two_digits(y1, y2)? * 100 + two_digits(y3, y4)?;
    if year == 0 {
        return None;
    }
    NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        two_digits(m1, m2)?,
        two_digits(d1, d2)?,
    )
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction`, and what follows it. Digits past the microsecond are dropped.
fn parse_time(text: &[u8]) -> Option<(NaiveTime, &[u8])> {
    let (&[h1, h2, b':', m1, m2], rest) = text.split_first_chunk::<5>()? else {
        return None;
    };
    let (hour, minute) = (two_digits(h1, h2)?, two_digits(m1, m2)?);
    let Some((&[b':', s1, s2], rest)) = rest.split_first_chunk::<3>() else {
        return Some((NaiveTime::from_hms_opt(hour, minute, 0)?, rest));
    };
    let second = two_digits(s1, s2)?;
    let (micros, rest) = match rest.split_first() {
        Some((b'.' | b',', fraction)) => parse_fraction(fraction)?,
        _ => (0, rest),
    };
    Some((
        NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?,
        rest,
    ))
}

fn parse_fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let digits = text[..length].iter().map(|b| u32::from(b - b'0'));
    let micros = digits
        .chain(std::iter::repeat(0))
        .take(6)
        .fold(0, |value, digit| value * 10 + digit);
    Some((micros, &text[length..]))
}

/// `Z`, `+hh:mm`, `+hhmm`, the same with `-` or the minus sign U+2212, or nothing for UTC.
fn parse_offset(text: &[u8]) -> Option<FixedOffset> {
    let (sign, rest) = match text {
        [] | [b'Z' | b'z'] => return FixedOffset::east_opt(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] | [0xE2, 0x88, 0x92, rest @ ..] => (-1, rest),
        _ => return None,
    };
    let ([h1, h2, b':', m1, m2] | [h1, h2, m1, m2]) = *rest else {
        return None;
    };
    let (hours, minutes) = (two_digits(h1, h2)?, two_digits(m1, m2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?)
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}
