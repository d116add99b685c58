use serde::Deserialize;

/// What happens to an item that a scorer failed to score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnscoredItem {
    /// It is weighed by the scorer's `default`.
    #[default]
    Default,
    /// It keeps its incoming place.
    KeepPosition,
}
