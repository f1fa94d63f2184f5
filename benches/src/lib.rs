//! What the benches share: scenes with known answers.

pub mod scene;
