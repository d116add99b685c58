//! Immutable values that are read without locks and replaced as a whole.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use chrono::{DateTime, TimeDelta, Utc};

/// Newest version of a value: replaced by its follower, read by any number of requests without a lock.
///
/// Clones share the same value.
pub struct Snapshot<T> {
    newest: Arc<ArcSwapOption<T>>,
}

/// A value that is served from a [`Snapshot`].
pub trait SnapshotValue: Send + Sync + 'static {
    /// Returns the time that the value describes, or `None` if it is unknown.
    fn as_of(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// Returns the number of entries, for operators.
    fn entries(&self) -> usize;
}

/// Reason why a snapshot cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// There is no value.
    #[error("no value yet")]
    Missing,
    /// The value is older than allowed, or its age is unknown.
    #[error("the value is too old")]
    Stale,
}

impl<T: SnapshotValue> Snapshot<T> {
    /// Replaces the value; `None` removes it.
    pub fn store(&self, value: Option<T>) {
        self.newest.store(value.map(Arc::new));
    }

    /// Returns the value, whatever its age.
    pub fn load(&self) -> Guard<Option<Arc<T>>> {
        self.newest.load()
    }

    /// Returns the value unless it is older than `max_age` at `now`.
    pub fn fresh(&self, max_age: TimeDelta, now: DateTime<Utc>) -> Result<Arc<T>, SnapshotError> {
        let value = self.newest.load_full().ok_or(SnapshotError::Missing)?;
        match value.as_of() {
            Some(as_of) if now.signed_duration_since(as_of) <= max_age => Ok(value),
            _ => Err(SnapshotError::Stale),
        }
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self {
            newest: Arc::clone(&self.newest),
        }
    }
}

impl<T> Default for Snapshot<T> {
    /// Has no value yet.
    fn default() -> Self {
        Self {
            newest: Arc::new(ArcSwapOption::empty()),
        }
    }
}

impl<T> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("has_value", &self.newest.load().is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Dated(Option<DateTime<Utc>>);

    impl SnapshotValue for Dated {
        fn as_of(&self) -> Option<DateTime<Utc>> {
            self.0
        }

        fn entries(&self) -> usize {
            1
        }
    }

    #[test]
    fn a_value_is_fresh_until_its_age_passes_the_limit() {
        let (snapshot, now) = (Snapshot::default(), Utc::now());
        let limit = TimeDelta::minutes(1);
        let error = |snapshot: &Snapshot<Dated>| snapshot.fresh(limit, now).err();
        assert_eq!(error(&snapshot), Some(SnapshotError::Missing));
        snapshot.store(Some(Dated(Some(now - limit))));
        assert_eq!(error(&snapshot), None);
        snapshot.store(Some(Dated(Some(now - limit - TimeDelta::milliseconds(1)))));
        assert_eq!(error(&snapshot), Some(SnapshotError::Stale));
        snapshot.store(Some(Dated(None)));
        assert_eq!(error(&snapshot), Some(SnapshotError::Stale));
        snapshot.store(None);
        assert_eq!(error(&snapshot), Some(SnapshotError::Missing));
    }
}
