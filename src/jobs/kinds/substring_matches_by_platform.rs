use std::collections::BTreeMap;

use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::db::{PostFilter, PostText};
use crate::jobs::arguments::validate_result_key;
use crate::jobs::{ArgumentError, Job, JobContext, JobError, Moment, Period, Window};

/// Counts the posts whose title or text holds a string, by platform, whatever the letter case. The result has a member for
/// each platform with a match, and `total_rows`, the posts looked at: `{"facebook": 77, "total_rows": 379}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubstringMatchesByPlatform {
    /// The string.
    #[serde(rename = "match")]
    pub substring: String,
    /// The first `created_at` to look at.
    #[serde(default)]
    pub from: Option<Moment>,
    /// The first `created_at` not to look at any more.
    #[serde(default)]
    pub to: Option<Moment>,
    /// In place of `from` and `to`: how far to look back.
    #[serde(default)]
    pub window: Option<Window>,
    /// Where to leave the result.
    #[serde(default)]
    pub result_key: Option<String>,
}

impl SubstringMatchesByPlatform {
    fn period(&self) -> Period {
        Period::new(self.from, self.to, self.window)
    }
}

impl Job for SubstringMatchesByPlatform {
    const NAME: &'static str = "substring_matches_by_platform";

    fn validate(&self) -> Result<(), ArgumentError> {
        if self.substring.is_empty() {
            return Err(ArgumentError::new(
                "match",
                "expected at least one character",
            ));
        }
        validate_result_key(self.result_key.as_deref())?;
        self.period().validate()
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let filter = PostFilter {
            created: self.period().range(Utc::now()),
            platform: None,
        };
        let matches = Matches::new(&self.substring);
        let matches = context.fold_posts(filter, matches, Matches::count).await?;
        let result = matches.result();
        context
            .leave_result(self.result_key.as_deref(), &result)
            .await?;
        Ok(result)
    }
}

struct Matches {
    folded: String,
    by_platform: BTreeMap<Option<String>, u64>,
    total_rows: u64,
}

impl Matches {
    fn new(substring: &str) -> Self {
        Self {
            folded: fold_case(substring),
            by_platform: BTreeMap::new(),
            total_rows: 0,
        }
    }

    fn count(&mut self, posts: &[PostText]) {
        for post in posts {
            self.total_rows += 1;
            if fold_case(&post.analysed_text()).contains(&self.folded) {
                *self.by_platform.entry(post.platform.clone()).or_default() += 1;
            }
        }
    }

    fn result(self) -> Value {
        let named = |(platform, count): (Option<String>, u64)| {
            (
                platform.unwrap_or_else(|| "unknown".to_owned()),
                count.into(),
            )
        };
        let mut result: Map<String, Value> = self.by_platform.into_iter().map(named).collect();
        result.insert("total_rows".to_owned(), self.total_rows.into());
        Value::Object(result)
    }
}

/// The same for texts that differ in letter case alone: by way of upper case, where `ß` is `SS` and both small sigmas are one.
fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_is_folded_in_every_script() {
        for (one, other) in [
            ("Trump", "tRUMP"),
            ("\u{dc}BER", "\u{fc}ber"),
            ("Stra\u{df}e", "STRASSE"),
            (
                "\u{39f}\u{394}\u{39f}\u{3a3}",
                "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
            ),
            ("\u{41c}\u{418}\u{420}", "\u{43c}\u{438}\u{440}"),
        ] {
            assert_eq!(fold_case(one), fold_case(other), "{one} {other}");
        }
    }
}
