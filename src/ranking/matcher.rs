use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde::{Deserialize, Serialize};

use weir_feed::ContentItem;

/// When an item counts as naming an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityMatch {
    /// Title or text holds one of the entity's forms, with no letter, digit or `_` right before or after it.
    #[default]
    Word,
    /// The text holds the entity's name, anywhere.
    Substring,
}

/// An entity to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEntity {
    /// The name it is reported by.
    pub name: String,
    /// Spellings it was seen in, besides the name.
    pub forms: Vec<String>,
}

/// The entities could not be made into a matcher.
#[derive(Debug, thiserror::Error)]
#[error("the entities' {forms} forms are too many to match: {source}")]
pub struct MatcherError {
    forms: usize,
    source: aho_corasick::BuildError,
}

/// Finds which of a set of entities an item names, in one pass over its text. Letter case counts.
#[derive(Debug, Clone)]
pub struct EntityMatcher {
    names: Vec<String>,
    forms: Patterns,
    plain_names: Patterns,
}

#[derive(Debug, Clone)]
struct Patterns {
    /// Tells by a vector search whether any form occurs, which is all that most texts need; not on every machine.
    scan: Option<Searcher>,
    /// Finds every occurrence.
    automaton: AhoCorasick,
    /// For each pattern, the index of its entity among the names.
    entities: Vec<usize>,
}

impl EntityMatcher {
    /// Builds the matcher; blank names and forms are left out.
    pub fn new(entities: &[NamedEntity]) -> Result<Self, MatcherError> {
        let named =
            |of: fn(&NamedEntity) -> Vec<&str>| {
                let pairs = entities.iter().enumerate();
                Patterns::new(pairs.flat_map(|(index, entity)| {
                    of(entity).into_iter().map(move |form| (index, form))
                }))
            };
        Ok(Self {
            names: entities.iter().map(|entity| entity.name.clone()).collect(),
            forms: named(NamedEntity::all_forms)?,
            plain_names: named(|entity| vec![&entity.name])?,
        })
    }

    /// Finds an entity that `item` names, and returns its index among those the matcher was built from.
    pub fn find(&self, item: &ContentItem, matching: EntityMatch) -> Option<usize> {
        match matching {
            EntityMatch::Word => {
                let title = item.title.as_deref().unwrap_or_default();
                self.forms
                    .word_in(title)
                    .or_else(|| self.forms.word_in(&item.text))
            }
            EntityMatch::Substring => self.plain_names.anywhere_in(&item.text),
        }
    }

    /// Returns the number of entities it looks for.
    pub fn entities(&self) -> usize {
        self.names.len()
    }

    /// Returns the name of an entity by an index from [`find`](Self::find).
    pub fn name(&self, index: usize) -> &str {
        &self.names[index]
    }
}

impl NamedEntity {
    fn all_forms(&self) -> Vec<&str> {
        self.forms
            .iter()
            .chain([&self.name])
            .map(String::as_str)
            .collect()
    }
}

impl Patterns {
    fn new<'f>(forms: impl Iterator<Item = (usize, &'f str)>) -> Result<Self, MatcherError> {
        let (entities, forms): (Vec<usize>, Vec<&str>) = forms
            .map(|(index, form)| (index, form.trim()))
            .filter(|(_, form)| !form.is_empty())
            .unzip();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .build(&forms)
            .map_err(|source| MatcherError {
                forms: forms.len(),
                source,
            })?;
        Ok(Self {
            scan: Searcher::new(&forms),
            automaton,
            entities,
        })
    }

    fn anywhere_in(&self, text: &str) -> Option<usize> {
        self.automaton
            .find(text)
            .map(|found| self.entities[found.pattern()])
    }

    fn word_in(&self, text: &str) -> Option<usize> {
        if self
            .scan
            .as_ref()
            .is_some_and(|scan| scan.find(text).is_none())
        {
            return None;
        }
        // Overlapping, since a form may be the beginning of a longer one that does not end at a boundary.
        self.automaton
            .find_overlapping_iter(text)
            .find(|found| is_word(text, found.start(), found.end()))
            .map(|found| self.entities[found.pattern()])
    }
}

fn is_word(text: &str, start: usize, end: usize) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '_';
    !text[..start].chars().next_back().is_some_and(continues)
        && !text[end..].chars().next().is_some_and(continues)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use rand::SeedableRng;

    use super::*;
    use weir_feed::Platform;
    use weir_lab::FakeFeed;

    fn matcher(entities: &[(&str, &[&str])]) -> EntityMatcher {
        let entity = |(name, forms): &(&str, &[&str])| NamedEntity {
            name: (*name).to_owned(),
            forms: forms.iter().map(|&form| form.to_owned()).collect(),
        };
        EntityMatcher::new(&entities.iter().map(entity).collect::<Vec<_>>()).unwrap()
    }

    fn item(title: Option<&str>, text: &str) -> ContentItem {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        let feed = FakeFeed {
            posts: 1,
            comments: 0,
            platform: Platform::Reddit,
            now: Utc::now(),
        };
        let mut item = feed.request(&mut rng).items.remove(0);
        item.title = title.map(str::to_owned);
        text.clone_into(&mut item.text);
        item
    }

    #[test]
    fn a_form_counts_between_word_boundaries_only() {
        let matcher = matcher(&[
            ("Trump", &["TRUMP"]),
            ("York", &[]),
            ("New York City", &[]),
            ("Zürich", &[]),
        ]);
        let found = |text: &str| {
            matcher
                .find(&item(None, text), EntityMatch::Word)
                .map(|index| matcher.name(index))
        };
        assert_eq!(found("What Trump's lawyers say"), Some("Trump"));
        assert_eq!(found("#TRUMP2020, TRUMP!"), Some("Trump"));
        assert_eq!(found("In New York Cityscape"), Some("York"));
        assert_eq!(found("nach Zürich"), Some("Zürich"));
        assert_eq!(
            found("Trumpet, trump, _Trump, Yorkshire, aZürich, Zürichs"),
            None
        );
    }

    #[test]
    fn the_title_counts_for_words_and_not_for_substrings() {
        let matcher = matcher(&[("Trump", &["Donald"])]);
        let titled = item(Some("Trump again"), "nothing");
        assert_eq!(matcher.find(&titled, EntityMatch::Word), Some(0));
        assert_eq!(matcher.find(&titled, EntityMatch::Substring), None);
        let within = item(None, "a Trumpet");
        assert_eq!(matcher.find(&within, EntityMatch::Substring), Some(0));
        assert_eq!(
            matcher.find(&item(None, "Donald"), EntityMatch::Substring),
            None
        );
    }

    #[test]
    fn no_entities_and_blank_forms_match_nothing() {
        assert_eq!(
            matcher(&[]).find(&item(None, "Trump"), EntityMatch::Word),
            None
        );
        assert_eq!(
            matcher(&[("", &[" "])]).find(&item(None, "a b"), EntityMatch::Substring),
            None
        );
    }
}
