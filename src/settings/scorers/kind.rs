use serde::Deserialize;

/// What scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScorerKind {
    /// How positive a text is, -1 to 1.
    Sentiment,
    /// Drawn from seed and item id; for tests and drills.
    Random,
    /// How much an item is engaged with, 0 to 1, comparable between platforms.
    Engagement,
    /// How new an item is, 0 to 1.
    Recency,
    /// A number by author, post, domain, user or language from a result key.
    Lookup,
    /// The sum of the weights of the terms in a text.
    Lexicon,
    /// What a model server answers.
    Http,
}
