use std::sync::Arc;

use super::vitals::Vitals;

/// One life of an actor between two mailboxes.
///
/// An actor that was replaced while frozen may wake up later. It holds its `Incarnation` and asks
/// [`is_current`](Self::is_current) before any effect outside itself that a successor may have overtaken.
#[derive(Clone)]
pub struct Incarnation {
    vitals: Arc<Vitals>,
    generation: u64,
}

impl Incarnation {
    pub(super) fn new(vitals: Arc<Vitals>) -> Self {
        let generation = vitals.next_generation();
        Self { vitals, generation }
    }

    /// Whether no successor has taken this incarnation's place.
    pub fn is_current(&self) -> bool {
        self.vitals.generation() == self.generation
    }

    /// Runs `effect` on the vitals unless a successor owns them by now.
    pub(super) fn if_current(&self, effect: impl FnOnce(&Vitals)) {
        if self.is_current() {
            effect(&self.vitals);
        }
    }
}
