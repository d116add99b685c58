//! The words that rules name, and the phrases made of them.

use Role::{
    Ass, Bad, Beating, Bomb, Bus, Death, Die, Enough, For, Heart, Just, Kind, Kiss, Of, Right,
    Shit, Sort, Stop, The, To, Yeah,
};

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
