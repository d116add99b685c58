//! Checks of cron expressions that the parser leaves out: it skips empty list entries, reads names in any field and takes
//! steps that are larger than their range.

use std::fmt;

/// Error for an expression that is not one, with the field that is at fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} \"{text}\": {why}")]
pub struct CronFieldError {
    field: &'static str,
    text: String,
    why: Why,
}

#[derive(Debug, PartialEq, Eq)]
enum Why {
    Missing,
    NotAName,
    OutOfRange { lowest: u16, highest: u16 },
    Reversed,
    NoStep,
    StepTooLarge { most: u16 },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("a value is missing"),
            Self::NotAName => f.write_str("unknown name"),
            Self::OutOfRange { lowest, highest } => write!(f, "expected {lowest} to {highest}"),
            Self::Reversed => f.write_str("the range ends before it begins"),
            Self::NoStep => f.write_str("expected a step of at least 1"),
            Self::StepTooLarge { most } => write!(f, "expected a step of at most {most}"),
        }
    }
}

struct Field {
    name: &'static str,
    lowest: u16,
    highest: u16,
    /// Names for values, the first of which is `first_named`.
    names: &'static [&'static str],
    first_named: u16,
}

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

const FIELDS: [Field; 6] = [
    Field::numbers("second", 0, 59),
    Field::numbers("minute", 0, 59),
    Field::numbers("hour", 0, 23),
    Field::numbers("day of month", 1, 31),
    Field {
        names: &MONTHS,
        first_named: 1,
        ..Field::numbers("month", 1, 12)
    },
    Field {
        names: &WEEKDAYS,
        ..Field::numbers("day of week", 0, 7)
    },
];

/// Returns the expression that a nickname stands for; any other text is returned as it is.
pub(super) fn expand_nickname(text: &str) -> &str {
    match text.trim().to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * SUN",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => text,
    }
}

/// Checks the fields of an expression of five, six or seven fields; leaves all else to the parser.
pub(super) fn check(text: &str) -> Result<(), CronFieldError> {
    let text = text.to_ascii_uppercase();
    let texts: Vec<&str> = text.split_whitespace().collect();
    if !(5..=7).contains(&texts.len()) {
        return Ok(());
    }
    // Without seconds the first field is the minute. The seventh field, the year, is not among `FIELDS`.
    let fields = FIELDS.iter().skip(usize::from(texts.len() == 5));
    fields
        .zip(&texts)
        .try_for_each(|(field, text)| field.check(text))
}

impl Field {
    const fn numbers(name: &'static str, lowest: u16, highest: u16) -> Self {
        Self {
            name,
            lowest,
            highest,
            names: &[],
            first_named: 0,
        }
    }

    fn check(&self, text: &str) -> Result<(), CronFieldError> {
        // `+` before the days of the week asks for both days to match.
        let entries = text.strip_prefix('+').unwrap_or(text).split(',');
        for entry in entries {
            self.check_entry(entry).map_err(|why| CronFieldError {
                field: self.name,
                text: text.to_owned(),
                why,
            })?;
        }
        Ok(())
    }

    /// Checks one entry of a list: `*`, `5`, `1-5`, `*/2`, `1-5/2`, or one of the forms with `L`, `W`, `#` or `?`, whose
    /// syntax the parser checks in full.
    fn check_entry(&self, entry: &str) -> Result<(), Why> {
        let (range, step) = match entry.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (entry, None),
        };
        if range.is_empty() || step == Some("") {
            return Err(Why::Missing);
        }
        let (first, last) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (self.lowest, self.highest),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None => {
                let value = self.value(range)?;
                (value, value)
            }
        };
        // The week may end with Sunday under its first name.
        let last = if self.names == WEEKDAYS && last == 0 {
            7
        } else {
            last
        };
        if last < first {
            return Err(Why::Reversed);
        }
        let Some(step) = step.map(|step| number(step, u16::MAX)) else {
            return Ok(());
        };
        let most = last - first + u16::from(!(self.names == WEEKDAYS && last - first == 7));
        match step {
            Some(0) | None => Err(Why::NoStep),
            Some(step) if step > most => Err(Why::StepTooLarge { most }),
            Some(_) => Ok(()),
        }
    }

    fn value(&self, text: &str) -> Result<u16, Why> {
        // `5L`, `L`, `15W` and `5#2`.
        let plain = text.split('#').next().unwrap_or(text);
        let plain = plain.trim_end_matches(['L', 'W']);
        if plain.is_empty() && !text.is_empty() {
            return Ok(self.lowest);
        }
        if plain.is_empty() {
            return Err(Why::Missing);
        }
        if let Some(place) = self.names.iter().position(|name| *name == plain) {
            let place = u16::try_from(place).unwrap_or(u16::MAX);
            return Ok(self.first_named + place);
        }
        if !plain.bytes().all(|sign| sign.is_ascii_digit()) {
            return Err(Why::NotAName);
        }
        let out_of_range = Why::OutOfRange {
            lowest: self.lowest,
            highest: self.highest,
        };
        number(plain, self.highest)
            .filter(|value| *value >= self.lowest)
            .ok_or(out_of_range)
    }
}

/// Reads a number of digits alone; one past `u16` counts as larger than all.
fn number(text: &str, most: u16) -> Option<u16> {
    if text.is_empty() || !text.bytes().all(|sign| sign.is_ascii_digit()) {
        return None;
    }
    let value = text.parse().unwrap_or(u16::MAX);
    (value <= most).then_some(value)
}

#[cfg(test)]
mod tests {
    use crate::timetable::CronExpression;

    fn refusal(text: &str) -> Option<String> {
        text.parse::<CronExpression>()
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn every_nickname_is_read_in_any_case() {
        for nickname in [
            "@midnight",
            "@daily",
            "@hourly",
            "@weekly",
            "@monthly",
            "@yearly",
            "@annually",
            "@Midnight",
            " @DAILY ",
        ] {
            assert_eq!(refusal(nickname), None, "{nickname}");
        }
        for unknown in ["@reboot", "@", "@every 1h", "@daily 5", "@@daily"] {
            assert!(refusal(unknown).is_some(), "{unknown}");
        }
    }

    #[test]
    fn a_field_that_would_be_read_otherwise_than_it_is_written_is_refused_by_name() {
        for (text, why) in [
            ("1,,2 * * * *", "minute \"1,,2\": a value is missing"),
            ("1, * * * *", "minute \"1,\": a value is missing"),
            (",1 * * * *", "minute \",1\": a value is missing"),
            (", * * * *", "minute \",\": a value is missing"),
            ("* * * * 1,", "day of week \"1,\": a value is missing"),
            (
                "*/61 * * * *",
                "minute \"*/61\": expected a step of at most 60",
            ),
            (
                "*/0 * * * *",
                "minute \"*/0\": expected a step of at least 1",
            ),
            ("*/ * * * *", "minute \"*/\": a value is missing"),
            ("/5 * * * *", "minute \"/5\": a value is missing"),
            (
                "*/99999999999 * * * *",
                "minute \"*/99999999999\": expected a step of at most 60",
            ),
            (
                "*/61 * * * * *",
                "second \"*/61\": expected a step of at most 60",
            ),
            (
                "0 */25 * * *",
                "hour \"*/25\": expected a step of at most 24",
            ),
            (
                "0 0 */32 * *",
                "day of month \"*/32\": expected a step of at most 31",
            ),
            (
                "0 0 1 */13 *",
                "month \"*/13\": expected a step of at most 12",
            ),
            (
                "0 0 * * */8",
                "day of week \"*/8\": expected a step of at most 7",
            ),
            (
                "10-20/15 * * * *",
                "minute \"10-20/15\": expected a step of at most 11",
            ),
            (
                "5-1 * * * *",
                "minute \"5-1\": the range ends before it begins",
            ),
            (
                "0 0 * * FRI-MON",
                "day of week \"FRI-MON\": the range ends before it begins",
            ),
            ("60 * * * *", "minute \"60\": expected 0 to 59"),
            ("0 24 * * *", "hour \"24\": expected 0 to 23"),
            ("0 0 0 * *", "day of month \"0\": expected 1 to 31"),
            ("0 0 * 13 *", "month \"13\": expected 1 to 12"),
            ("0 0 * * 8", "day of week \"8\": expected 0 to 7"),
            ("50-70 * * * *", "minute \"50-70\": expected 0 to 59"),
            ("JAN * * * *", "minute \"JAN\": unknown name"),
            ("0 0 * JANFEB *", "month \"JANFEB\": unknown name"),
            ("0 0 * SUN *", "month \"SUN\": unknown name"),
            ("0 0 * * MAR", "day of week \"MAR\": unknown name"),
            ("-1 * * * *", "minute \"-1\": a value is missing"),
            ("1- * * * *", "minute \"1-\": a value is missing"),
        ] {
            assert_eq!(refusal(text).as_deref(), Some(why), "{text}");
        }
    }

    #[test]
    fn what_other_crons_read_is_read() {
        for text in [
            "*/60 * * * *",
            "0 */24 * * *",
            "*/5 * * * *",
            "0-59/2 * * * *",
            "1,2,3 * * * *",
            "0 3 * * MON-FRI",
            "0 3 * * 1-7",
            "0 3 * * SAT-SUN",
            "0 3 * * mon,wed",
            "0 0 1 jan-mar *",
            "0 0 L * *",
            "0 0 15W * *",
            "0 0 LW * *",
            "0 0 * * 5L",
            "0 0 * * 5#2",
            "0 0 * * FRI#2",
            "0 0 ? * 1",
            "0 0 1 * ?",
            "0 0 1 * +MON",
            "*/10 * * * * *",
            "0 0 12 * * * 2030",
            "0 0 * * 7",
        ] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }
}
