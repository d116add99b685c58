use serde::Serialize;

/// One named entity in a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Entity<'t> {
    /// The entity as written: `&text[start..end]`.
    pub text: &'t str,
    /// Kind of entity.
    pub kind: EntityKind,
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset after its last character.
    pub end: usize,
    /// The model's probability for exactly this span and kind, 0 to 1.
    pub confidence: f32,
}

/// What a named entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// A person, real or fictional.
    Person,
    /// A company, party, team, band, agency or other named group.
    Organisation,
    /// A country, city, region, building or other named location.
    Place,
}

impl EntityKind {
    /// Every kind, in label order.
    pub const ALL: [Self; 3] = [Self::Person, Self::Organisation, Self::Place];

    /// The lower-case name, as it is serialized.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Place => "place",
        }
    }
}
