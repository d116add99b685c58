use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::durable_file;
use crate::ranking::ArmsConfig;

/// Assignments of users to arms that were served, by version, kept in the data folder.
#[derive(Debug, Clone)]
pub(crate) struct AssignmentHistory {
    path: PathBuf,
}

/// Reason why an assignment of users to arms cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AssignmentError {
    /// The same version stood for another assignment.
    #[error(
        "arms.version: version {0} was served with another salt, other shares or other cohorts; give this assignment of \
         the users a version of its own"
    )]
    Changed(u64),
    /// The history cannot be read or written.
    #[error("failed to read or write the assignments served before: {}", path.display())]
    History {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl AssignmentHistory {
    /// Creates a history in the file at `path`, which need not exist.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Returns an error if the version stands for another assignment of users.
    pub(crate) fn check(&self, arms: &ArmsConfig) -> Result<(), AssignmentError> {
        self.extended_by(arms).map(drop)
    }

    /// Records the assignment of users under its version, unless the version stands for another one.
    pub(crate) fn record(&self, arms: &ArmsConfig) -> Result<(), AssignmentError> {
        match self.extended_by(arms)? {
            Some(extended) => self.write(&extended),
            None => Ok(()),
        }
    }

    /// Returns the history with a new assignment, or `None` if it is not new.
    fn extended_by(
        &self,
        arms: &ArmsConfig,
    ) -> Result<Option<BTreeMap<u64, u64>>, AssignmentError> {
        if arms.arms.is_empty() {
            return Ok(None);
        }
        let mut known = self.read()?;
        match known.insert(arms.version, arms.fingerprint()) {
            Some(before) if before == arms.fingerprint() => Ok(None),
            Some(_) => Err(AssignmentError::Changed(arms.version)),
            None => Ok(Some(known)),
        }
    }

    fn read(&self) -> Result<BTreeMap<u64, u64>, AssignmentError> {
        match fs::read(&self.path) {
            Ok(json) => serde_json::from_slice(&json).map_err(|error| self.failed(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn write(&self, known: &BTreeMap<u64, u64>) -> Result<(), AssignmentError> {
        serde_json::to_vec(known)
            .map_err(io::Error::from)
            .and_then(|json| durable_file::replace(&self.path, &json))
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> AssignmentError {
        AssignmentError::History {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::ArmConfig;

    fn arms(shares: &[(&str, f64)]) -> ArmsConfig {
        let arm = |&(name, share): &(&str, f64)| {
            let arm = ArmConfig {
                share: Some(share),
                ..ArmConfig::default()
            };
            (name.to_owned(), arm)
        };
        ArmsConfig {
            arms: shares.iter().map(arm).collect(),
            ..ArmsConfig::default()
        }
    }

    #[test]
    fn users_are_assigned_differently_only_under_a_new_version() {
        let folder = tempfile::tempdir().unwrap();
        let history = AssignmentHistory::new(&folder.path().join("arms.json"));
        let first = arms(&[("a", 0.5), ("b", 0.5)]);
        history.check(&first).unwrap();
        history.record(&first).unwrap();
        history.record(&first).unwrap();
        let mut other = arms(&[("a", 0.4), ("b", 0.6)]);
        for refused in [history.check(&other), history.record(&other)] {
            assert!(matches!(refused, Err(AssignmentError::Changed(1))));
        }
        other.version = 2;
        history.record(&other).unwrap();
        history.record(&first).unwrap();
    }
}
