//! Collections that move to temporary files once they exceed a bound on memory.

mod duplicates;
mod sorter;
mod spill_vec;

pub(crate) use duplicates::{DuplicateFinder, Duplicates};
pub(crate) use sorter::{Sorted, Sorter};
pub(crate) use spill_vec::SpillVec;

/// Memory of one collection. A platform's run holds about six of them.
pub(crate) const DEFAULT_MAX_BYTES: usize = 24 << 20;
