//! Bounds on what is read.

use weir_expressions::{Columns, Compiler, MAX_DEPTH, MAX_LENGTH};

use super::support::{TestFeed, columns};

fn error(source: &str) -> Option<String> {
    let (schema, columns) = (TestFeed::of_numbers(&[]).schema(), Columns::default());
    let compiled = Compiler::new(&schema, &columns).value(source);
    compiled.err().map(|error| error.text)
}

#[test]
fn length_and_depth_are_bounded() {
    let long = format!("1{}", " ".repeat(MAX_LENGTH));
    assert_eq!(error(&long), Some("longer than 4096 bytes".to_owned()));
    let too_deep = Some("nested deeper than 100: name a part of it under [columns]".to_owned());
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("-", "1", ""),
        ("not ", "true", ""),
        ("abs(", "1", ")"),
        ("1 + ", "1", ""),
        ("", "1", " * 2"),
    ] {
        let nested = |depth: usize| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(error(&nested(MAX_DEPTH / 2)), None, "{open}{close}");
        assert_eq!(error(&nested(MAX_DEPTH + 1)), too_deep, "{open}{close}");
        assert_eq!(error(&nested(MAX_LENGTH / 10)), too_deep, "{open}{close}");
    }
}

#[test]
fn columns_of_columns_do_not_multiply() {
    let names: Vec<(String, String)> = (0..60)
        .map(|level| {
            (
                format!("c{level}"),
                format!("c{0} + c{0} * c{0}", level + 1),
            )
        })
        .collect();
    let mut sources: Vec<(&str, &str)> = names
        .iter()
        .map(|(name, source)| (name.as_str(), source.as_str()))
        .collect();
    sources.push(("c60", "n0"));
    let columns = columns(&sources);
    let schema = TestFeed::of_numbers(&[]).schema();
    assert_eq!(columns.check(&schema), []);
    let mut compiler = Compiler::new(&schema, &columns);
    assert!(compiler.key("c0 desc").is_ok());
}

#[test]
fn the_operations_of_a_program_are_bounded() {
    let schema = TestFeed::of_numbers(&[]).schema();
    let columns = Columns::default();
    let mut compiler = Compiler::new(&schema, &columns);
    let source = |first: usize| {
        (first..first + 50)
            .map(|constant| format!("n0 + {constant}.5"))
            .collect::<Vec<_>>()
            .join(" , ")
    };
    let errors =
        (0..100).filter_map(|part| compiler.value(&format!("max({})", source(part * 50))).err());
    let first = errors.map(|error| error.text).next();
    assert_eq!(
        first,
        Some("the expressions need more than 4096 operations".to_owned())
    );
}
