//! A whole training run: sources, training, export, evaluation. This is the place that sees every stage.

mod bundle;
mod evaluate;
mod parts;
mod run;
mod run_folder;
mod setup;
mod sources;
mod stage;

pub use bundle::{BuiltBundle, build_bundle};
pub use evaluate::{Evaluation, evaluate_source};
pub use run::{RunOptions, RunOutcome, run_training};
pub use run_folder::{RunFacts, RunFolder};
pub use sources::{Sources, open_sources};
pub use stage::{StageNet, new_net, stage_folder};
