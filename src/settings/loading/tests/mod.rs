//! What a person who edits a file or sets a variable will see.

mod errors;
mod expressions;
mod layers;
mod migrate;
mod renames;
mod shipped;
mod values;

use super::layers::Layers;
use crate::settings::{Loaded, Settings, SettingsError};

pub(in crate::settings) fn load(
    file: &str,
    variables: &[(&str, &str)],
) -> Result<Settings, SettingsError> {
    Ok(read(file, variables)?.settings)
}

fn read(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, SettingsError> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let file = ("weir.toml".into(), file.to_owned());
    Settings::from_layers(&Layers::new(
        Some(file),
        &variables.iter().map(owned).collect(),
    )?)
}

/// The lines that `file` and `variables` are answered with.
fn problems(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match load(file, variables) {
        Err(SettingsError::Wrong(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}

/// The only line that `file` is answered with.
fn problem(file: &str) -> String {
    let mut problems = problems(file, &[]);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}

/// The only line that a variable is answered with.
fn problem_of_variable(name: &str, value: &str) -> String {
    let mut problems = problems("", &[(name, value)]);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}
