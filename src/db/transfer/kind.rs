use std::borrow::Cow;

use sea_orm::DbBackend;
use serde_json::{Number, Value};

use crate::db::posts::json_text::{into_storable_json, into_storable_text};
use weir_feed::parse_timestamp;

/// What a column holds, as far as the two databases write it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Real,
    Truth,
    Time,
    Json,
    Bytes,
    Text,
}

impl Kind {
    /// Of a type as the database names it.
    pub(super) fn from_type(name: &str, backend: DbBackend) -> Self {
        let name = name.to_ascii_lowercase();
        let has = |part: &str| name.contains(part);
        match backend {
            // <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>
            DbBackend::Sqlite if has("timestamp") || has("datetime") => Self::Time,
            _ if name.starts_with("timestamp") => Self::Time,
            _ if has("json") => Self::Json,
            _ if has("bool") => Self::Truth,
            _ if has("int") && name != "interval" && !name.starts_with("point") => Self::Integer,
            _ if has("char") || has("text") => Self::Text,
            _ if has("blob") || name == "bytea" => Self::Bytes,
            _ if has("real") || has("double") || has("float") => Self::Real,
            _ => Self::Text,
        }
    }

    /// The kind in words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Integer => "whole number",
            Self::Real => "number",
            Self::Truth => "truth value",
            Self::Time => "time",
            Self::Json => "JSON",
            Self::Bytes => "bytes",
            Self::Text => "text",
        }
    }

    /// The narrower of what two databases say of the same column.
    pub(super) fn agreed(self, other: Self) -> Self {
        let either = |kind| self == kind || other == kind;
        let narrow = [Self::Json, Self::Time, Self::Truth];
        match narrow.into_iter().find(|&kind| either(kind)) {
            Some(kind) => kind,
            None if self == other => self,
            None if either(Self::Real) && either(Self::Integer) => Self::Real,
            None => Self::Text,
        }
    }

    /// The type of such a column in a new table.
    pub(super) fn type_name(self, backend: DbBackend) -> &'static str {
        match (self, backend) {
            (Self::Integer, DbBackend::Sqlite) => "INTEGER",
            (Self::Integer, _) => "BIGINT",
            (Self::Real, DbBackend::Sqlite) => "REAL",
            (Self::Real, _) => "DOUBLE PRECISION",
            (Self::Truth, _) => "BOOLEAN",
            (Self::Time, DbBackend::Sqlite) => "TIMESTAMP",
            (Self::Time, _) => "TIMESTAMP WITH TIME ZONE",
            (Self::Json, DbBackend::Sqlite) => "JSON",
            (Self::Json, _) => "JSONB",
            (Self::Bytes, DbBackend::Sqlite) => "BLOB",
            (Self::Bytes, _) => "BYTEA",
            (Self::Text, _) => "TEXT",
        }
    }

    /// A value as text, in the one form in which it is handed on; `None` where it is no such value.
    pub(super) fn form(self, value: String) -> Option<String> {
        Some(match self {
            Self::Integer => value.trim().parse::<i64>().ok()?.to_string(),
            Self::Real => format!("{:?}", value.trim().parse::<f64>().ok()?),
            Self::Truth => match value.as_str() {
                "t" | "true" | "1" => "1".to_owned(),
                "f" | "false" | "0" => "0".to_owned(),
                _ => return None,
            },
            Self::Time => {
                let time = parse_timestamp(value.trim())?;
                let form = match time.timestamp_subsec_micros() {
                    0 => "%Y-%m-%d %H:%M:%S",
                    micros if micros % 1_000 == 0 => "%Y-%m-%d %H:%M:%S%.3f",
                    _ => "%Y-%m-%d %H:%M:%S%.6f",
                };
                time.format(form).to_string()
            }
            Self::Json => into_storable_json(value),
            Self::Bytes | Self::Text => into_storable_text(value),
        })
    }

    /// What must be the same in both databases: JSON may have its keys and numbers written otherwise.
    pub(super) fn essence(self, form: &str) -> Option<Cow<'_, str>> {
        if self != Self::Json {
            return Some(form.into());
        }
        let mut value: Value = serde_json::from_str(form).ok()?;
        write_whole_numbers_alike(&mut value);
        Some(value.to_string().into())
    }
}

/// Postgres writes `1e2` and `-0.0` as `100` and `0.0`.
fn write_whole_numbers_alike(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = whole(number) {
                *value = whole;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(write_whole_numbers_alike),
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers_alike),
        _ => {}
    }
}

/// The number as an integer, if it has no fraction and is not too large for one.
fn whole(number: &Number) -> Option<Value> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    if float.fract() != 0.0 {
        return None;
    }
    let digits = format!("{float:.0}");
    let signed = digits.parse::<i64>().map(Value::from);
    signed
        .or_else(|_| digits.parse::<u64>().map(Value::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_form_whatever_it_was_written_as() {
        for text in [
            "2017-05-31 14:48:32",
            "2017-05-31T14:48:32+00:00",
            "2017-05-31T16:48:32.000+02:00",
        ] {
            assert_eq!(
                Kind::Time.form(text.to_owned()).unwrap(),
                "2017-05-31 14:48:32"
            );
        }
        let micros = "2017-05-31 14:48:32.123456".to_owned();
        assert_eq!(Kind::Time.form(micros.clone()), Some(micros));
        assert_eq!(Kind::Time.form("yesterday".to_owned()), None);
    }

    #[test]
    fn json_is_the_same_in_another_order_of_keys() {
        let essence = |json| Kind::Json.essence(json).unwrap().into_owned();
        assert_eq!(
            essence(r#"{"b": 1, "a": [1.10]}"#),
            essence(r#"{"a":[1.1],"b":1}"#)
        );
        assert_eq!(
            essence("[1e2, -0.0, 1e+16, 1e19, 1e30, 1.5e0]"),
            essence(
                "[100, 0.0, 10000000000000000, 10000000000000000000, 1000000000000000000000000000000, 1.5]"
            )
        );
        assert_ne!(essence("[1]"), essence("[2]"));
        assert_ne!(essence("[9007199254740993]"), essence("[9007199254740992]"));
    }

    #[test]
    fn types_of_both_databases_are_known() {
        let sqlite = |name| Kind::from_type(name, DbBackend::Sqlite);
        let postgres = |name| Kind::from_type(name, DbBackend::Postgres);
        assert_eq!(
            [
                "INTEGER",
                "TIMESTAMP",
                "TEXT",
                "BLOB",
                "REAL",
                "BOOLEAN",
                ""
            ]
            .map(sqlite),
            [
                Kind::Integer,
                Kind::Time,
                Kind::Text,
                Kind::Bytes,
                Kind::Real,
                Kind::Truth,
                Kind::Text
            ]
        );
        assert_eq!(
            [
                "bigint",
                "timestamp with time zone",
                "jsonb",
                "bytea",
                "double precision",
                "character varying(20)",
                "interval"
            ]
            .map(postgres),
            [
                Kind::Integer,
                Kind::Time,
                Kind::Json,
                Kind::Bytes,
                Kind::Real,
                Kind::Text,
                Kind::Text
            ]
        );
    }
}
