use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Check;
use crate::ranking::{ScorerOutputs, resolve, split};

/// `[compat]`: routes in the wire formats of services that Weir takes the place of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompatSettings {
    /// Google's Perspective.
    pub perspective: PerspectiveSettings,
}

/// `[compat.perspective]`: `POST /v1alpha1/comments:analyze`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PerspectiveSettings {
    /// Scorer, or its output, by attribute. Without any there is no such route.
    pub attributes: BTreeMap<String, String>,
    /// Languages of comments; empty for all.
    pub languages: Vec<String>,
}

impl CompatSettings {
    /// Checks what types cannot express; `scorers` are those that attributes may stand for.
    pub(super) fn check(&self, check: &mut Check, scorers: &ScorerOutputs<'_>) {
        check.under("perspective", |check| {
            check.under("attributes", |check| {
                for (attribute, output) in &self.perspective.attributes {
                    let (scorer, output) = split(output);
                    if let Err(error) = resolve(scorers, scorer, output) {
                        check.require(attribute, false, || error.to_string());
                    }
                }
            });
        });
    }
}
