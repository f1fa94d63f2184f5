//! A whole training run: sources, training, export, evaluation. This is the place that sees every stage.

mod animals;
mod bundle;
mod compare;
mod curve;
mod evaluate;
mod made_with;
mod parts;
mod preview;
mod resumed;
mod run;
mod run_folder;
mod setup;
mod sources;
mod split_output;
mod stage;
mod start_from;

pub use animals::training_animals;
pub use bundle::{BuiltBundle, build_bundle};
pub(crate) use bundle::{check_sizes, finish_bundle};
pub use compare::{Comparison, Contestant, NetworkFigures, compare, judged_by};
pub use evaluate::{Evaluation, evaluate_centered, evaluate_source};
pub use made_with::{GIT, MadeWith};
pub use preview::{HeadView, PreviewRow, preview_rows};
pub use run::{RunOptions, RunOutcome, run_training};
pub use run_folder::{RunFacts, RunFolder};
pub use sources::{Sources, open_sources};
pub use stage::{StageNet, new_net, stage_folder};
