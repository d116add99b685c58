//! Which users are in which arm, and that this never changes unasked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::StartupError;
use super::reload::{Change, Reconcile};
use crate::durable_file;
use crate::ranking::{Arm, Arms, BUCKETS, Members};
use crate::settings::{ArmsSettings, Settings};

/// The divisions of users that were served by, kept in the data folder.
#[derive(Debug, Clone)]
pub(super) struct AssignmentHistory {
    path: PathBuf,
}

/// Why a division of users cannot be served by.
#[derive(Debug, thiserror::Error)]
pub enum ArmsError {
    /// The same version stood for another division.
    #[error(
        "arms.version: version {0} was served with another salt, other shares or other cohorts; give this division of \
         the users a version of its own"
    )]
    AssignmentChanged(u64),
    /// The ledger cannot be read or written.
    #[error("the divisions served before cannot be read or written: {}", path.display())]
    Ledger {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl AssignmentHistory {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Records the assignment under its version, unless the version stands for another one.
    pub(super) fn record(&self, settings: &ArmsSettings) -> Result<(), ArmsError> {
        if settings.arms.is_empty() {
            return Ok(());
        }
        let mut divisions = self.read()?;
        let division = settings.division();
        match divisions.insert(settings.version, division) {
            Some(known) if known == division => Ok(()),
            Some(_) => Err(ArmsError::AssignmentChanged(settings.version)),
            None => self.write(&divisions),
        }
    }

    fn read(&self) -> Result<BTreeMap<u64, u64>, ArmsError> {
        match fs::read(&self.path) {
            Ok(json) => serde_json::from_slice(&json).map_err(|error| self.failed(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn write(&self, divisions: &BTreeMap<u64, u64>) -> Result<(), ArmsError> {
        let written = serde_json::to_vec(divisions)
            .map_err(io::Error::from)
            .and_then(|json| durable_file::replace(&self.path, &json));
        written.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> ArmsError {
        ArmsError::Ledger {
            path: self.path.clone(),
            source,
        }
    }
}

impl Reconcile for AssignmentHistory {
    /// Records the assignment while it is planned, since the file may not be writable. It must be the last part to be planned.
    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError> {
        self.record(&settings.arms)?;
        Ok(Box::new(|| {}))
    }
}

/// The arms, cohorts before shares. Shares lie side by side in the order of the arms' names, a disabled one in its place.
pub(super) fn arms(settings: &ArmsSettings) -> Arms {
    let mut by_cohort = Vec::new();
    let mut by_share = Vec::new();
    let mut before = 0.0;
    for (name, arm) in &settings.arms {
        let served = |members| Arm {
            name: name.as_str().into(),
            members,
            policy: arm.is_enabled().then(|| arm.policy.clone()),
        };
        if let Some(cohort) = &arm.cohort {
            by_cohort.push(served(Members::Cohort(cohort.clone())));
        } else if let Some([first, last]) = arm.cohort_index {
            by_cohort.push(served(Members::CohortIndex(first..=last)));
        } else if let Some(share) = arm.share {
            let buckets = bucket_at(before)..bucket_at(before + share);
            by_share.push(served(Members::Buckets(buckets)));
            before += share;
        }
    }
    by_cohort.append(&mut by_share);
    Arms {
        salt: settings.salt.clone(),
        arms: by_cohort,
    }
}

/// Where the bucket that follows this share of them begins.
fn bucket_at(share: f64) -> u64 {
    // The product is 0 to BUCKETS, which both types hold exactly.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "see above"
    )]
    let bucket = (share.clamp(0.0, 1.0) * BUCKETS as f64).round() as u64;
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ArmSettings;

    fn settings(shares: &[(&str, f64)]) -> ArmsSettings {
        let arm = |&(name, share): &(&str, f64)| {
            let arm = ArmSettings {
                policy: "off".to_owned(),
                share: Some(share),
                ..ArmSettings::default()
            };
            (name.to_owned(), arm)
        };
        ArmsSettings {
            arms: shares.iter().map(arm).collect(),
            ..ArmsSettings::default()
        }
    }

    #[test]
    fn shares_lie_side_by_side_without_a_gap() {
        let arms = arms(&settings(&[
            ("a", 1.0 / 3.0),
            ("b", 1.0 / 3.0),
            ("c", 1.0 / 3.0),
        ]));
        let members: Vec<Members> = arms.arms.into_iter().map(|arm| arm.members).collect();
        let thirds = [0..1_365, 1_365..2_731, 2_731..4_096];
        assert_eq!(members, thirds.map(Members::Buckets));
    }

    #[test]
    fn a_disabled_arm_keeps_its_place() {
        let mut settings = settings(&[("a", 0.5), ("b", 0.5)]);
        settings.arms.entry("a".to_owned()).or_default().enabled = Some(false);
        let arms = arms(&settings).arms;
        assert_eq!(arms[0].policy, None);
        assert_eq!(arms[1].members, Members::Buckets(2_048..4_096));
    }

    #[test]
    fn users_are_divided_anew_only_under_a_new_version() {
        let folder = tempfile::tempdir().unwrap();
        let history = AssignmentHistory::new(&folder.path().join("arms.json"));
        let first = settings(&[("a", 0.5), ("b", 0.5)]);
        history.record(&first).unwrap();
        history.record(&first).unwrap();
        let mut other = settings(&[("a", 0.4), ("b", 0.6)]);
        assert!(matches!(
            history.record(&other),
            Err(ArmsError::AssignmentChanged(1))
        ));
        other.version = 2;
        history.record(&other).unwrap();
        history.record(&first).unwrap();
    }
}
