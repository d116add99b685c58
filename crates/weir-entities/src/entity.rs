use serde::Serialize;

use super::kind::EntityKind;

/// One named entity in a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Entity<'t> {
    /// The entity as written: `&text[start..end]`.
    pub text: &'t str,
    /// What it is.
    pub kind: EntityKind,
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset after its last character.
    pub end: usize,
    /// The model's probability for exactly this span and kind, 0 to 1.
    pub confidence: f32,
}
