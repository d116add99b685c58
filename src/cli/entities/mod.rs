//! Named entities: what the model finds, how good it is, and how it is trained.

mod analyse;
mod evaluate;
mod train;

pub(super) use analyse::Analyse;
pub(super) use evaluate::EvalEntities;
pub(super) use train::TrainEntities;
