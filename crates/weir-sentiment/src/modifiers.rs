//! The words that change the intensity of a word after them.

/// What a degree adverb adds to the intensity, or takes from it.
pub(super) const DEGREE: f64 = 0.293;

/// What a negation in front multiplies a valence with.
pub(super) const NEGATION: f64 = -0.74;

/// Degree adverbs that add [`DEGREE`].
pub(super) const INTENSIFIERS: &str = "
    absolutely amazingly awfully completely considerable considerably decidedly deeply effing enormous enormously
    entirely especially exceptional exceptionally extreme extremely fabulously flippin flipping frackin fracking frickin
    fricking friggin frigging fuckin fucking fuggin fugging fully greatly hella highly hugely incredible incredibly
    intensely major majorly more most particularly purely quite really remarkably so substantially thoroughly total
    totally tremendous tremendously uber unbelievably unusually utter utterly very";

/// Degree adverbs of one word that take [`DEGREE`] off. Those of two words are in [`super::phrases`].
pub(super) const DAMPENERS: &str = "
    almost barely hardly kind-of kinda kindof less little marginal marginally occasional occasionally partly scarce
    scarcely slight slightly somewhat sort-of sorta sortof";

/// Words that negate, beside every word that contains "n't".
pub(super) const NEGATIONS: &str = "
    aint arent cannot cant couldnt darent despite didnt doesnt dont hadnt hasnt havent isnt mightnt mustnt neednt neither
    never none nope nor not nothing nowhere oughtnt rarely seldom shant shouldnt uh-uh uhuh wasnt werent without wont
    wouldnt";
