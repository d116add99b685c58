use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128_with_seed};

use super::{BuildContext, BuildError, ScorerKind};
use crate::regular_file;
use crate::scoring::pool::PoolConfig;
use crate::scoring::{CacheKey, ItemScore, Scorer, Subject, Worker};
use crate::settings::Check;

/// Largest file of a lexicon.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Keys of a scorer of the kind `lexicon`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LexiconConfig {
    lexicon: LexiconFile,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LexiconFile {
    /// CSV file of `term,weight`, with a header.
    file: PathBuf,
}

impl ScorerKind for LexiconConfig {
    const NAME: &'static str = "lexicon";

    fn validate(&self, check: &mut Check, _: &PoolConfig) {
        let is_named = !self.lexicon.file.as_os_str().is_empty();
        check.under("lexicon", |check| {
            check.require("file", is_named, || "must not be empty".to_owned());
        });
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        let path = &self.lexicon.file;
        let lexicon = Lexicon::open(path).map_err(|error| {
            BuildError::new("lexicon.file", format!("{}: {error}", path.display()))
        })?;
        Ok(Box::new(lexicon))
    }
}

/// The sum of the weights of the terms in a text, each as often as it occurs: whole words, in any case. Of terms that
/// begin at the same place the longest counts.
#[derive(Debug, Clone)]
struct Lexicon(Arc<Terms>);

#[derive(Debug)]
struct Terms {
    automaton: AhoCorasick,
    weights: Vec<f64>,
    /// A hash of all terms and weights.
    version: u64,
}

/// Why a lexicon cannot be read.
#[derive(Debug, thiserror::Error)]
enum LexiconError {
    /// The file cannot be opened.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It is not a CSV file of terms and weights.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A term is empty, or a weight no finite number.
    #[error("line {line}: expected a term and a finite weight")]
    Row {
        /// The line in the file, from 1.
        line: u64,
    },
    /// The terms are too many to be matched.
    #[error(transparent)]
    Terms(#[from] aho_corasick::BuildError),
}

#[derive(Deserialize)]
struct Row {
    term: String,
    weight: f64,
}

impl Lexicon {
    fn open(path: &Path) -> Result<Self, LexiconError> {
        Self::from_csv(regular_file::open(path, MAX_FILE_BYTES)?)
    }

    /// Reads CSV with the header `term,weight`.
    fn from_csv(csv: impl Read) -> Result<Self, LexiconError> {
        let mut hash = Xxh3::new();
        let (mut terms, mut weights) = (Vec::new(), Vec::new());
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(csv);
        let mut rows = reader.deserialize();
        while let Some(row) = rows.next() {
            let Row { term, weight } = row?;
            let term = term.to_lowercase();
            if term.is_empty() || !weight.is_finite() {
                let line = rows.reader().position().line().saturating_sub(1);
                return Err(LexiconError::Row { line });
            }
            hash.update(term.as_bytes());
            hash.update(&weight.to_bits().to_le_bytes());
            terms.push(term);
            weights.push(weight);
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&terms)?;
        Ok(Self(Arc::new(Terms {
            automaton,
            weights,
            version: hash.digest(),
        })))
    }

    fn of(&self, text: &str) -> f64 {
        let text = text.to_lowercase();
        let matches = self.0.automaton.find_iter(&text);
        let whole = matches.filter(|found| is_whole(&text, found.start(), found.end()));
        whole
            .map(|found| self.0.weights[found.pattern().as_usize()])
            .sum()
    }
}

/// Whether no word goes on before or after.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let (before, term, after) = (&text[..start], &text[start..end], &text[end..]);
    let joins = |one: Option<char>, other: Option<char>| {
        one.is_some_and(char::is_alphanumeric) && other.is_some_and(char::is_alphanumeric)
    };
    !joins(before.chars().next_back(), term.chars().next())
        && !joins(term.chars().next_back(), after.chars().next())
}

impl Scorer for Lexicon {
    fn worker(&self) -> Box<dyn Worker> {
        self.of("warms the automaton up");
        Box::new(self.clone())
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        let text = item.analysed_text();
        Some(xxh3_128_with_seed(text.as_bytes(), self.0.version))
    }

    fn score_inline_cached(&self, Subject { item, .. }: Subject<'_>) -> Option<f64> {
        Some(self.of(&item.analysed_text()))
    }
}

impl Worker for Lexicon {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        batch
            .iter()
            .map(|subject| Ok(self.of(&subject.item.analysed_text()).into()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str =
        "term,weight\nHate,-2\nhate speech,-3\n\"well, well\",1\nçok güzel,0.5\n:),1\n";

    #[track_caller]
    fn assert_score(text: &str, expected: f64) {
        let score = Lexicon::from_csv(CSV.as_bytes()).unwrap().of(text);
        assert!((score - expected).abs() < 1e-12, "{text}: {score}");
    }

    #[test]
    fn terms_count_whole_in_any_case_and_as_often_as_they_occur() {
        assert_score("I HATE it, hate it", -4.0);
        assert_score("Hate speech", -3.0);
        assert_score("whatever chateau hated", 0.0);
        assert_score("Çok Güzel!", 0.5);
        assert_score("Well, well: nice:)", 2.0);
        assert_score("", 0.0);
    }

    #[test]
    fn a_bad_row_is_told_with_its_line() {
        for (csv, expected) in [
            ("term,weight\na,1\n ,2\n", "line 3"),
            ("term,weight\na,NaN\n", "line 2"),
            ("term,weight\na,much\n", "line: 2"),
            ("word,weight\na,1\n", "missing field `term`"),
        ] {
            let error = Lexicon::from_csv(csv.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{csv:?}: {error}");
        }
    }

    #[test]
    fn other_weights_have_other_keys() {
        let key = |csv: &str| {
            let feed = crate::scoring::kinds::tests::feed();
            let subject = Subject::new(&feed, &feed.items[0]);
            Lexicon::from_csv(csv.as_bytes())
                .unwrap()
                .cache_key(subject)
        };
        assert_ne!(key("term,weight\na,1\n"), key("term,weight\na,2\n"));
    }
}
