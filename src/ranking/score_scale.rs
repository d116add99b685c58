use serde::{Deserialize, Serialize};

use crate::settings::Check;

/// What a scorer's raw scores become before a policy weighs them, the same for every request, so that scores stay
/// comparable between requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreScale {
    /// Raw scores below count as this.
    pub lowest: f64,
    /// Raw scores above count as this.
    pub highest: f64,
    /// What the result is multiplied by.
    pub factor: f64,
}

impl Default for ScoreScale {
    /// Returns a scale that leaves scores up to 1e9 as they are.
    fn default() -> Self {
        Self {
            lowest: -1e9,
            highest: 1e9,
            factor: 1.0,
        }
    }
}

impl ScoreScale {
    pub(crate) fn check(&self, check: &mut Check) {
        check.finite("factor", self.factor);
        check.finite("lowest", self.lowest);
        check.finite("highest", self.highest);
        check.require("highest", self.lowest <= self.highest, || {
            "must not be below lowest".to_owned()
        });
    }

    pub(crate) fn apply(self, raw: f64) -> f64 {
        raw.max(self.lowest).min(self.highest) * self.factor
    }
}

#[cfg(test)]
mod tests {
    use super::super::Score;
    use super::*;

    #[test]
    fn raw_scores_are_clamped_and_then_scaled() {
        let scale = ScoreScale {
            lowest: 0.0,
            highest: 10.0,
            factor: 0.1,
        };
        let scaled = [-5.0, 5.0, 1e9].map(|raw| Score::new(scale.apply(raw)));
        assert_eq!(scaled, [0.0, 0.5, 1.0].map(Score::new));
        let unscaled = ScoreScale::default().apply(-3.5);
        assert_eq!(Score::new(unscaled), Score::new(-3.5));
    }
}
