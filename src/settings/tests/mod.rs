//! What a person who edits a file or sets a variable will see.

mod errors;
mod layers;
mod shipped;

use super::layers::Layers;
use super::{Settings, SettingsError};

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::from_layers(&Layers::new(Some(file), variables))
}

/// The lines that `file` and `variables` are answered with.
fn problems(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match load(file, variables) {
        Err(SettingsError::Wrong(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}
