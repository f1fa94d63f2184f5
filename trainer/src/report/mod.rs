//! What labels are like, and what a model of a given shape can do with them.

mod animal_size;
mod frame_sizes;
mod label_table;
mod labels;
mod network;
mod nodes;
mod number_of;
mod receptive_field;
mod repeats;
mod unfinished;

pub use animal_size::AnimalSizes;
pub use frame_sizes::{FrameSize, frame_sizes};
pub use labels::{LabelStatistics, TrackCount};
pub use network::NetworkFacts;
pub use nodes::NodeCounts;
pub(crate) use number_of::number_of;
pub use receptive_field::{FieldAdvice, FieldFit, FieldOption};
pub use repeats::{RepeatedFrame, Repeats};
pub use unfinished::Unfinished;
