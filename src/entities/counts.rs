use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::entity::Entity;
use super::surface;

/// How many posts name each entity, its spellings counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityCounts {
    names: HashMap<String, Tally>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    posts: u64,
    /// Spelling to posts that use it.
    forms: BTreeMap<String, u64>,
}

/// An entity that many posts name.
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
        let mut post: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for entity in entities {
            let name = surface::name(entity.text);
            if !name.is_empty() {
                post.entry(surface::key(name)).or_default().insert(name);
            }
        }
        for (key, forms) in post {
            let tally = self.names.entry(key).or_default();
            tally.posts += 1;
            for form in forms {
                *tally.forms.entry(form.to_owned()).or_default() += 1;
            }
        }
    }

    /// Adds the counts of other posts.
    pub fn merge(&mut self, other: Self) {
        for (key, tally) in other.names {
            let mine = self.names.entry(key).or_default();
            mine.posts += tally.posts;
            for (form, posts) in tally.forms {
                *mine.forms.entry(form).or_default() += posts;
            }
        }
    }

    /// The `k` entities that most posts name, most first, ties by name.
    pub fn top(&self, k: usize) -> Vec<TopEntity> {
        let mut tallies: Vec<&Tally> = self.names.values().collect();
        tallies.sort_by(|a, b| b.posts.cmp(&a.posts).then_with(|| a.name().cmp(&b.name())));
        tallies.into_iter().take(k).map(Tally::entity).collect()
    }
}

impl Tally {
    fn name(&self) -> Option<&str> {
        self.by_count().first().copied()
    }

    /// Spellings, commonest first; of equally common ones a plain capitalised one before shouting and lower case, then by text.
    fn by_count(&self) -> Vec<&str> {
        let mut forms: Vec<(&str, u64)> = self
            .forms
            .iter()
            .map(|(form, &posts)| (form.as_str(), posts))
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
    use super::super::kind::EntityKind;
    use super::*;

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

    #[test]
    fn merged_counts_are_those_of_all_posts() {
        let mut merged = counts(&[&["Rome"], &["ROME", "Oslo"]]);
        merged.merge(counts(&[&["Oslo's"], &["Oslo"]]));
        assert_eq!(
            merged,
            counts(&[&["Rome"], &["ROME", "Oslo"], &["Oslo"], &["Oslo"]])
        );
    }
}
