//! Spellings of other languages, and ours for them.

/// Symbols, longer ones before those that they begin with.
const SYMBOLS: [(&str, &str); 14] = [
    ("&&", "and"),
    ("||", "or"),
    ("<>", "!="),
    ("%in%", "in (a, b)"),
    ("**", "a product, or exp(y * log(x))"),
    ("^", "a product, or exp(y * log(x))"),
    ("===", "=="),
    ("&", "and"),
    ("|", "or"),
    ("//", "/"),
    ("%", "no remainder"),
    ("[", "a list as in (a, b)"),
    ("?", "if(c, a, b)"),
    ("~", "not"),
];

/// Words that are a constant or an operator elsewhere.
const WORDS: [(&[&str], &str); 7] = [
    (
        &["NA", "None", "null", "NULL", "nan", "NaN", "nil"],
        "missing(x) tests for a missing value, coalesce(x, y) replaces one",
    ),
    (&["TRUE", "True"], "the constant is true"),
    (&["FALSE", "False"], "the constant is false"),
    (&["AND", "And"], "the operator is and"),
    (&["OR", "Or"], "the operator is or"),
    (&["NOT", "Not"], "the operator is not"),
    (&["IN", "In"], "the operator is in"),
];

/// Functions, by their names elsewhere.
const FUNCTIONS: [(&[&str], &str); 18] = [
    (
        &[
            "ifelse", "if_else", "iif", "IF", "where", "np.where", "fifelse",
        ],
        "if(c, a, b)",
    ),
    (
        &["case_when", "case", "switch", "np.select"],
        "if(c1, a, if(c2, b, c))",
    ),
    (
        &[
            "is.na", "is_na", "isna", "isnull", "is_null", "is.null", "isnan", "pd.isna",
        ],
        "missing(x)",
    ),
    (
        &["fillna", "replace_na", "ifnull", "nvl", "COALESCE"],
        "coalesce(x, y)",
    ),
    (&["na_if", "NULLIF"], "nullif(a, b)"),
    (&["pmin", "least"], "min(a, b)"),
    (&["pmax", "greatest"], "max(a, b)"),
    (&["clip", "np.clip"], "clamp(x, lo, hi)"),
    (
        &[
            "cut",
            "findInterval",
            "digitize",
            "np.digitize",
            "bisect_right",
            "bisect",
        ],
        "bucket(x, e1, e2, ..)",
    ),
    (
        &["ln", "log2", "log10", "log1p", "np.log"],
        "log(x), the natural logarithm",
    ),
    (&["pow", "power"], "a product, or exp(y * log(x))"),
    (
        &["mean", "average", "avg", "weighted.mean", "np.average"],
        "weighted_mean(x, w, ..) of an item, feed.mean(x) of the feed",
    ),
    (&["scale", "standardize", "zscore"], "feed.zscore(x)"),
    (&["rescale", "normalize", "minmax"], "feed.minmax(x)"),
    (&["Winsorize", "winsorize"], "feed.winsorize(x, lo, hi)"),
    (&["rand", "runif", "random.random"], "random(\"salt\")"),
    (&["len", "length", "nchar"], "item.text_length"),
    (
        &["ffill", "na.locf", "fill"],
        "feed.fill_previous(x, start)",
    ),
];

/// Returns the error for a symbol of another language that `rest` begins with.
pub(crate) fn symbol(rest: &str) -> Option<String> {
    let lone = |sign: char, text: &str| {
        (rest.starts_with(sign) && !rest[1..].starts_with('=')).then(|| text.to_owned())
    };
    let found = SYMBOLS.iter().find(|(theirs, _)| rest.starts_with(theirs));
    found
        .map(|(theirs, ours)| format!("{theirs} is not an operator here: use {ours}"))
        .or_else(|| lone('=', "= is not an operator here: use =="))
        .or_else(|| lone('!', "! is not an operator here: use not"))
}

/// Returns the error for a word that is a constant or an operator elsewhere.
pub(crate) fn word(word: &str) -> Option<String> {
    let found = WORDS.iter().find(|(theirs, _)| theirs.contains(&word));
    found.map(|(_, ours)| format!("there is no {word} here: {ours}"))
}

/// Returns our spelling of a function of another language.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    let found = FUNCTIONS.iter().find(|(theirs, _)| theirs.contains(&name));
    found.map(|(_, ours)| *ours)
}
