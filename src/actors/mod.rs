//! The actors, one file each, and the supervision they run under.

pub mod supervision;
