//! The words that change the intensity of a word after them, those that rules name, and the phrases made of these.

use Role::{
    Ass, Bad, Beating, Bomb, Bus, Death, Die, Enough, For, Heart, Just, Kind, Kiss, Of, Right,
    Shit, Sort, Stop, The, To, Yeah,
};

/// Change of the intensity by a degree adverb.
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

/// Degree adverbs of one word that take [`DEGREE`] off. [`dampens`] knows those of two words.
pub(super) const DAMPENERS: &str = "
    almost barely hardly kind-of kinda kindof less little marginal marginally occasional occasionally partly scarce
    scarcely slight slightly somewhat sort-of sorta sortof";

/// Words that negate, beside every word that contains "n't".
pub(super) const NEGATIONS: &str = "
    aint arent cannot cant couldnt darent despite didnt doesnt dont hadnt hasnt havent isnt mightnt mustnt neednt neither
    never none nope nor not nothing nowhere oughtnt rarely seldom shant shouldnt uh-uh uhuh wasnt werent without wont
    wouldnt";

/// A word that some rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Every word without a part of its own.
    Other,
    Ass,
    At,
    Bad,
    Beating,
    Bomb,
    Bus,
    But,
    Death,
    Die,
    Doubt,
    Enough,
    For,
    Heart,
    Just,
    Kind,
    Kiss,
    Least,
    Never,
    No,
    Nor,
    Of,
    Or,
    Right,
    Shit,
    So,
    Sort,
    Stop,
    The,
    This,
    To,
    Very,
    Without,
    Yeah,
}

/// How each role is spelled.
pub(super) const ROLES: [(&str, Role); 33] = [
    ("ass", Ass),
    ("at", Role::At),
    ("bad", Bad),
    ("beating", Beating),
    ("bomb", Bomb),
    ("bus", Bus),
    ("but", Role::But),
    ("death", Death),
    ("die", Die),
    ("doubt", Role::Doubt),
    ("enough", Enough),
    ("for", For),
    ("heart", Heart),
    ("just", Just),
    ("kind", Kind),
    ("kiss", Kiss),
    ("least", Role::Least),
    ("never", Role::Never),
    ("no", Role::No),
    ("nor", Role::Nor),
    ("of", Of),
    ("or", Role::Or),
    ("right", Right),
    ("shit", Shit),
    ("so", Role::So),
    ("sort", Sort),
    ("stop", Stop),
    ("the", The),
    ("this", Role::This),
    ("to", To),
    ("very", Role::Very),
    ("without", Role::Without),
    ("yeah", Yeah),
];

/// The valence of an idiom whose words would mislead, if `words` are one.
pub(super) fn idiom(words: &[Role]) -> Option<f64> {
    match words {
        [The, Shit | Bomb] | [To, Die, For] => Some(3.0),
        [Bad, Ass] => Some(1.5),
        [Bus, Stop] => Some(0.0),
        [Yeah, Right] => Some(-2.0),
        [Kiss, Of, Death] => Some(-1.5),
        [Beating, Heart] => Some(3.5),
        _ => None,
    }
}

/// Whether `words` are a dampening degree adverb of two words.
pub(super) fn dampens(words: [Role; 2]) -> bool {
    matches!(words, [Kind | Sort, Of] | [Just, Enough])
}
