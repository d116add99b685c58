//! Counts of names over many texts.

pub(crate) mod packed_counts;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use serde::Serialize;

use crate::Entity;
use crate::features::surface;

/// Number of posts that name each entity, its spellings counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityCounts {
    names: HashMap<String, Tally, RandomState>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    posts: u64,
    /// Each spelling with the posts that use it, in the order of the spellings: most names have one or two.
    forms: Vec<(Box<str>, u64)>,
}

/// An entity that many posts name. Ordered as in a list of the top: most posts first, then by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopEntity {
    /// Its commonest spelling.
    pub name: String,
    /// The posts that name it.
    pub count: u64,
    /// Every spelling seen, commonest first.
    pub forms: Vec<String>,
}

impl EntityCounts {
    /// Counts the entities of one post, each name once however often and however spelled it stands there.
    pub fn add(&mut self, entities: &[Entity<'_>]) {
        self.add_names(entities.iter().map(|entity| entity.text));
    }

    /// Counts the names of one post, by the texts of its entities.
    pub fn add_names<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        let mut by_key = BTreeMap::<String, BTreeSet<&str>>::new();
        let names = texts.into_iter().map(surface::name);
        for name in names.filter(|name| !name.is_empty()) {
            by_key.entry(surface::key(name)).or_default().insert(name);
        }
        for (key, forms) in by_key {
            self.add_tally(&key, 1, forms.into_iter().map(|form| (form, 1)));
        }
    }

    /// Returns the number of different entities.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether there is no entity.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// For each entity the posts that name it, and its spellings with theirs.
    pub(crate) fn tallies(&self) -> impl Iterator<Item = (u64, &[(Box<str>, u64)])> {
        let tallies = self.names.values();
        tallies.map(|tally| (tally.posts, tally.forms.as_slice()))
    }

    /// Adds a number of posts that name an entity, and the numbers of its spellings.
    pub(crate) fn add_tally<'f>(
        &mut self,
        key: &str,
        posts: u64,
        forms: impl IntoIterator<Item = (&'f str, u64)>,
    ) {
        if let Some(tally) = self.names.get_mut(key) {
            tally.add_all(posts, forms);
        } else {
            let mut tally = Tally::default();
            tally.add_all(posts, forms);
            self.names.insert(key.to_owned(), tally);
        }
    }

    /// The `k` entities that most posts name, most first, ties by name.
    pub fn top(&self, k: usize) -> Vec<TopEntity> {
        if k == 0 {
            return Vec::new();
        }
        // Most entities are rare: names are made only for those that may be among the first.
        let mut posts: Vec<u64> = self.names.values().map(|tally| tally.posts).collect();
        let fewest = if posts.len() > k {
            *posts.select_nth_unstable_by(k - 1, |a, b| b.cmp(a)).1
        } else {
            0
        };
        let frequent = self.names.values().filter(|tally| tally.posts >= fewest);
        let mut top: Vec<TopEntity> = frequent.map(Tally::entity).collect();
        top.sort();
        top.truncate(k);
        top
    }
}

impl Ord for TopEntity {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_count = other.count.cmp(&self.count);
        by_count
            .then_with(|| self.name.cmp(&other.name))
            .then_with(|| self.forms.cmp(&other.forms))
    }
}

impl PartialOrd for TopEntity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Tally {
    fn add_all<'f>(&mut self, posts: u64, forms: impl IntoIterator<Item = (&'f str, u64)>) {
        self.posts += posts;
        for (form, posts) in forms {
            self.add(form, posts);
        }
    }

    fn add(&mut self, form: &str, posts: u64) {
        match self
            .forms
            .binary_search_by(|(known, _)| (**known).cmp(form))
        {
            Ok(at) => self.forms[at].1 += posts,
            Err(at) => self.forms.insert(at, (form.into(), posts)),
        }
    }

    /// Spellings, commonest first; of equally common ones a plain capitalised one before shouting and lower case, then by text.
    fn by_count(&self) -> Vec<&str> {
        let mut forms: Vec<(&str, u64)> = self
            .forms
            .iter()
            .map(|(form, posts)| (&**form, *posts))
            .collect();
        forms.sort_by(|a, b| {
            b.1.cmp(&a.1)
                .then_with(|| is_mixed(b.0).cmp(&is_mixed(a.0)))
                .then_with(|| a.0.cmp(b.0))
        });
        forms.into_iter().map(|(form, _)| form).collect()
    }

    fn entity(&self) -> TopEntity {
        let forms: Vec<String> = self.by_count().into_iter().map(str::to_owned).collect();
        TopEntity {
            name: forms.first().cloned().unwrap_or_default(),
            count: self.posts,
            forms,
        }
    }
}

fn is_mixed(form: &str) -> bool {
    form.chars().any(char::is_uppercase) && form.chars().any(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntityKind;

    fn post(names: &[&'static str]) -> Vec<Entity<'static>> {
        names
            .iter()
            .map(|text| Entity {
                text,
                kind: EntityKind::Person,
                start: 0,
                end: text.len(),
                confidence: 1.0,
            })
            .collect()
    }

    fn counts(posts: &[&[&'static str]]) -> EntityCounts {
        let mut counts = EntityCounts::default();
        for names in posts {
            counts.add(&post(names));
        }
        counts
    }

    #[test]
    fn spellings_are_counted_together_under_the_commonest() {
        let top = counts(&[&["Trump"], &["TRUMP"], &["Trump's"], &["#trump"]]).top(5);
        assert_eq!(
            top,
            [TopEntity {
                name: "Trump".into(),
                count: 4,
                forms: vec!["Trump".into(), "TRUMP".into(), "trump".into()]
            }]
        );
    }

    #[test]
    fn a_post_counts_an_entity_once() {
        assert_eq!(counts(&[&["Paris", "PARIS", "Paris's"]]).top(1)[0].count, 1);
    }

    #[test]
    fn ties_are_broken_by_name() {
        let names: Vec<_> = counts(&[&["Zoe", "Adam", "Mia"], &["Zoe"]])
            .top(3)
            .into_iter()
            .map(|top| top.name)
            .collect();
        assert_eq!(names, ["Zoe", "Adam", "Mia"]);
    }
}
