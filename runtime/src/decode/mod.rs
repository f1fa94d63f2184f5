//! From network outputs to animals: peaks, refinement, edge scores, assignment, grouping.
//!
//! Everything follows SLEAP's meaning (thresholds, order, defaults); where SLEAP crashes or gives NaN on odd input, the
//! module concerned says what happens here instead. All working memory is planned once from `Config::limits`.

mod assign;
mod bottom_up;
mod bottom_up_id;
mod centroids;
mod crops;
mod decoder;
mod edge_order;
mod global_peaks;
mod group;
mod output;
mod paf;
mod peak_buffer;
mod peaks;
mod plan;
mod refine;
mod single;
#[cfg(test)]
mod testing;

pub use assign::Assigner;
pub use bottom_up::BottomUp;
pub use bottom_up_id::BottomUpId;
pub use centroids::{Centroid, CentroidFinder};
pub use crops::CropDecoder;
pub use decoder::Decoder;
pub use edge_order::edge_order;
pub use group::{Connection, Grouper, PeakId};
pub use paf::PafScorer;
pub use peak_buffer::{Peak, PeakBuffer};
pub use peaks::{global_peak, local_peaks};
pub use plan::{crop_plan, decode_plan};
pub use refine::refine_peak;
pub use single::Single;
