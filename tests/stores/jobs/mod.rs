//! Jobs with leases: what every results store does alike.

mod cancelling;
mod clock;
mod ends;
mod following;
mod instances;
mod leases;
mod load;
mod looking;
mod names;
mod property;
mod queue;
mod redis;
mod steps;
