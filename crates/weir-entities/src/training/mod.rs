//! Reading corpora, training a model and evaluating it.

pub(crate) mod conll;
pub(crate) mod evaluation;
pub(crate) mod trainer;
pub(crate) mod training_set;
