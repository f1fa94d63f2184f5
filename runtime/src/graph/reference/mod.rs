//! The meaning of every operator in plain loops: the oracle of the passes and of fast engines. Slow on purpose: no blocking, no
//! vectors, sums in f64.

mod conv;
mod map;
mod pool;
mod resize;
mod run;
