use super::{load, problem, problems};

#[test]
fn an_error_in_an_expression_has_its_place_in_the_file_and_its_column() {
    for (file, expected) in [
        (
            "[policies.mine]\norder = [\"sentiment desc\",\n  \"-sentment asc\"]",
            "weir.toml:3:3: policies.mine.order[1]: column 2: there is no sentment; did you mean sentiment?",
        ),
        (
            "[policies.calm]\nremove = \"sentiment < feed.mean(sentiment)\"",
            "weir.toml:2:1: policies.calm.remove: column 13: feed.* cannot be used here, also not through a column: it is computed \
             over the items that this selects",
        ),
        (
            "[policies.calm]\nrerank_only = \"item.likes\"",
            "weir.toml:2:1: policies.calm.rerank_only: column 1: expected a boolean, found a number; compare it, as in x > 0",
        ),
        (
            "[policies.calm.insert]\nreplace = \"sentiment = 1\"",
            "weir.toml:2:1: policies.calm.insert.replace: column 11: = is not an operator here: use ==",
        ),
        (
            "[columns]\nmood = \"item.lang\"",
            "weir.toml:2:1: columns.mood: column 1: there is no item.lang; did you mean item.language?",
        ),
        (
            "[columns]\nsentiment = \"1\"",
            "weir.toml:2:1: columns.sentiment: column 1: the name sentiment is taken: rename the column",
        ),
        (
            "[policies.calm]\norder = [\"item.language asc\"]\nauthor_decay = { factor = 0.5 }",
            "weir.toml:3:1: policies.calm.author_decay: needs a number as the first key of order",
        ),
        (
            "[policies.mine]\nmissing = \"keep_position\"\nentity_weight = 1.0",
            "weir.toml:2:1: policies.mine.missing: expected an order beside it; with weights, a scorer's unscored says so",
        ),
        (
            "[policies.calm.insert]\nmax = 1\nevery = 2\nreplace = \"true\"",
            "weir.toml:2:1: policies.calm.insert.max: expected either max or replace and min_share beside it",
        ),
        (
            "[policies.calm.insert]\ncandidates = \"reddit\"",
            "weir.toml:2:1: policies.calm.insert.candidates: a name is made of letters, digits, _ and -, and is not that of a platform",
        ),
        (
            "[[policies.calm.marker]]\nbefore = \"sentiment\"\npost = { reddit = { id = \"a\", url = \"https://example.org\" } }",
            "weir.toml:2:1: policies.calm.marker[0].before: column 1: expected a boolean, found a number; compare it, as in x > 0",
        ),
    ] {
        assert_eq!(problem(file), expected);
    }
}

#[test]
fn an_order_takes_the_weights_of_the_defaults_away() {
    let settings = load("[policies.calm]\norder = [\"sentiment desc\"]", &[]).unwrap();
    let calm = &settings.policies["calm"];
    assert_eq!(calm.weights.iter().count(), 0);
    assert!(calm.entity_weight.abs() < f64::EPSILON);
    let new = load("[policies.mine]\norder = [\"item.age_s asc\"]", &[]).unwrap();
    assert!(new.policies["mine"].entity_weight.abs() < f64::EPSILON);
}

#[test]
fn an_order_and_weights_in_one_file_are_an_error() {
    for also in ["weights = { sentiment = 1.0 }", "entity_weight = 0.5"] {
        let file = format!("[policies.calm]\norder = [\"sentiment desc\"]\n{also}");
        let expected = "weir.toml:2:1: policies.calm.order: expected either order or weights and entity_weight beside it";
        assert_eq!(problems(&file, &[]), [expected]);
    }
}

#[test]
fn a_column_may_be_used_before_it_is_named() {
    let file = "[policies.mine]\norder = [\"a desc\"]\n[columns]\na = \"b + 1\"\nb = \"feed.minmax(sentiment)\"";
    assert_eq!(load(file, &[]).unwrap().columns.len(), 2);
}

#[test]
fn a_candidate_may_be_shown_once_for_ever() {
    let settings = load("[policies.calm.insert]\nonce_per = \"forever\"", &[]).unwrap();
    let insert = &settings.policies["calm"].insert;
    assert_eq!(serde_json::json!(insert)["once_per"], "forever");
}
