use std::cmp::Ordering;

/// A number items are ordered by. Every two scores compare, and one that is not finite is lower than every other.
#[derive(Debug, Clone, Copy)]
pub struct Score(f64);

impl Score {
    /// The score of `value`; NaN and both infinities become the lowest score.
    #[inline]
    pub fn new(value: f64) -> Self {
        Self(if value.is_finite() {
            value
        } else {
            f64::NEG_INFINITY
        })
    }

    /// The number itself, or `None` for the lowest score.
    #[inline]
    pub fn value(self) -> Option<f64> {
        self.0.is_finite().then_some(self.0)
    }
}

impl Ord for Score {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_not_finite_are_equal_and_lowest() {
        for odd in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Score::new(odd) < Score::new(f64::MIN));
            assert_eq!(Score::new(odd), Score::new(f64::NAN));
            assert_eq!(Score::new(odd).value(), None);
        }
    }

    #[test]
    fn finite_scores_compare_as_numbers() {
        assert!(Score::new(-1.0) < Score::new(0.5));
        assert_eq!(Score::new(0.5), Score::new(0.5));
    }
}
