use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How much a user reads, relative to others.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Activity(f64);

/// A text that is no activity.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("must be a number above 0")]
pub struct ActivityError;

impl Activity {
    /// The same as everybody.
    pub const ONE: Self = Self(1.0);

    /// Above 0 and finite.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Activity {
    type Err = ActivityError;

    fn from_str(text: &str) -> Result<Self, ActivityError> {
        let number = text.parse().ok();
        let is_activity = |number: &f64| number.is_finite() && *number > 0.0;
        number.filter(is_activity).map(Self).ok_or(ActivityError)
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
