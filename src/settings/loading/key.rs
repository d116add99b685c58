//! The location of a setting in the tree.

use std::fmt;

use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// A path to a setting, as `policies.calm.weights.sentiment` or `auth.admin[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key(Vec<Step>);

/// One step down the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

impl Step {
    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Name(own) if own == name)
    }
}

impl Key {
    /// The key one level down.
    pub(super) fn join(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Name(name.to_owned()));
        Self(steps)
    }

    /// The key of the `index`th element.
    pub(super) fn element(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    /// This key with another name at `depth`.
    pub(super) fn with_name(&self, depth: usize, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps[depth] = Step::Name(name.to_owned());
        Self(steps)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The last name, for comparing with its neighbours.
    pub(super) fn name(&self) -> &str {
        self.0
            .iter()
            .rev()
            .find_map(|step| match step {
                Step::Name(name) => Some(name.as_str()),
                Step::Index(_) => None,
            })
            .unwrap_or_default()
    }

    /// Whether one of the two is, or lies under, the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .all(|(mine, theirs)| mine == theirs)
    }

    /// Whether what stands here may be a password: it is then never printed.
    pub(super) fn is_secret(&self) -> bool {
        self.0.first() == Some(&Step::Name("auth".to_owned()))
            || self.name().ends_with("url")
            || self.name() == "author_salt"
            || self.name() == "argv"
    }

    pub(super) fn value<'tree>(&self, tree: &'tree Value) -> Option<&'tree Value> {
        self.0.iter().try_fold(tree, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }

    pub(super) fn value_mut<'tree>(&self, tree: &'tree mut Value) -> Option<&'tree mut Value> {
        self.0.iter().try_fold(tree, |value, step| match step {
            Step::Name(name) => value.get_mut(name),
            Step::Index(index) => value.get_mut(index),
        })
    }

    /// Takes this key out of the tree; `None` when it is not there.
    pub(super) fn remove(&self, tree: &mut Value) -> Option<Value> {
        let (step, above) = self.0.split_last()?;
        match (Self(above.to_vec()).value_mut(tree)?, step) {
            (Value::Object(table), Step::Name(name)) => table.remove(name),
            (Value::Array(list), Step::Index(index)) => {
                (*index < list.len()).then(|| list.remove(*index))
            }
            _ => None,
        }
    }
}

impl From<&Path> for Key {
    fn from(path: &Path) -> Self {
        let step = |segment: &Segment| match segment {
            Segment::Map { key } => Some(Step::Name(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        Self(path.iter().filter_map(step).collect())
    }
}

impl<'name> FromIterator<&'name str> for Key {
    fn from_iter<Names: IntoIterator<Item = &'name str>>(names: Names) -> Self {
        Self(
            names
                .into_iter()
                .map(|name| Step::Name(name.to_owned()))
                .collect(),
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if depth == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
