use serde::Deserialize;

use crate::settings::check::Check;

/// `[scorers.NAME] scale`: the same for every request, so that scores stay comparable between requests.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleSettings {
    /// Raw scores below count as this.
    pub lowest: f64,
    /// Raw scores above count as this.
    pub highest: f64,
    /// What the result is multiplied by.
    pub factor: f64,
}

impl Default for ScaleSettings {
    fn default() -> Self {
        Self {
            lowest: -1e9,
            highest: 1e9,
            factor: 1.0,
        }
    }
}

impl ScaleSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.finite("factor", self.factor);
        check.finite("lowest", self.lowest);
        check.finite("highest", self.highest);
        check.require("highest", self.lowest <= self.highest, || {
            "must not be below lowest".to_owned()
        });
    }
}
