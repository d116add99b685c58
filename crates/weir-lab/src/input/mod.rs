//! Input files read row by row, and the account of rows that were dropped.

mod lines;
mod report;
mod table;

pub(crate) use lines::Lines;
pub use report::{DropReason, Dropped, InputReport};
pub(crate) use table::{Row, Table};
