use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scoring::Outputs;
use crate::settings::{Check, did_you_mean};

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

/// Keys of `[scorers.NAME]` about the use of its scores. Changing them does not restart the pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreUse {
    /// Score of an item without one.
    pub default: f64,
    /// What happens to an item without a score.
    pub unscored: MissingScorePolicy,
    /// What raw scores become before a policy weighs them.
    pub scale: ScoreScale,
    /// What is different for single outputs, by their names.
    pub per_output: BTreeMap<String, OutputOverride>,
    /// `false` removes the scorer.
    pub enabled: bool,
}

/// `[scorers.NAME.per_output.OUTPUT]`: keys that replace those of the scorer for one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputOverride {
    /// Score of an item without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<f64>,
    /// What happens to an item without a score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unscored: Option<MissingScorePolicy>,
    /// What raw scores become before a policy weighs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScoreScale>,
}

/// Use of the scores of one output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OutputUse {
    /// Score of an item without one.
    pub default: f64,
    /// What happens to an item without a score.
    pub unscored: MissingScorePolicy,
    /// What raw scores become before a policy weighs them.
    pub scale: ScoreScale,
}

/// What happens to an item without a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingScorePolicy {
    /// It is weighed by the `default` of the output.
    #[default]
    Default,
    /// It keeps its incoming position.
    KeepPosition,
}

impl Default for ScoreUse {
    fn default() -> Self {
        Self {
            default: 0.0,
            unscored: MissingScorePolicy::default(),
            scale: ScoreScale::default(),
            per_output: BTreeMap::new(),
            enabled: true,
        }
    }
}

impl ScoreUse {
    /// Returns how the scores of the output with this name are used.
    pub(crate) fn of_output(&self, output: &str) -> OutputUse {
        let own = self.per_output.get(output).copied().unwrap_or_default();
        OutputUse {
            default: own.default.unwrap_or(self.default),
            unscored: own.unscored.unwrap_or(self.unscored),
            scale: own.scale.unwrap_or(self.scale),
        }
    }

    /// Checks what types cannot express; `outputs` are those of the scorer.
    pub(crate) fn check(&self, check: &mut Check, outputs: &Outputs) {
        check.finite("default", self.default);
        check.under("scale", |check| self.scale.check(check));
        let names: Vec<&str> = outputs.iter().map(|output| &*output.name).collect();
        check.under("per_output", |check| {
            for (output, own) in &self.per_output {
                check.require(output, names.contains(&&**output), || {
                    format!(
                        "there is no output {output}{}",
                        did_you_mean(output, &names)
                    )
                });
                check.under(output, |check| {
                    check.finite("default", own.default.unwrap_or_default());
                    let scale = own.scale.unwrap_or_default();
                    check.under("scale", |check| scale.check(check));
                });
            }
        });
    }
}

impl OutputUse {
    /// Returns the scaled score of an item. One that keeps its position has no use for a default.
    pub(super) fn scaled(self, raw: Option<f64>) -> f64 {
        let raw = raw.unwrap_or(match self.unscored {
            MissingScorePolicy::Default => self.default,
            MissingScorePolicy::KeepPosition => 0.0,
        });
        self.scale.apply(raw)
    }
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

    fn apply(self, raw: f64) -> f64 {
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
