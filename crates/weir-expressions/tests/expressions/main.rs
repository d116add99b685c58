//! The language against values computed by hand, and against an interpreter that walks one expression for one item.

mod arbitrary;
mod bounds;
mod conditions;
mod errors;
mod feed_functions;
mod functions;
mod naive;
mod properties;
mod rankers;
mod support;
