//! How good predicted poses are against true ones.
//!
//! SLEAP's metrics, with four deliberate differences: a true animal in a frame without predictions counts as missed, a
//! prediction without a true animal counts as a false positive, a part that is missing in the truth is not judged, and animals of one
//! part, such as centres, are judged by distance, because one point has no size for a similarity to go by.

mod average_precision;
mod centers;
mod distance;
mod identity;
mod labels;
mod likeness;
mod matching;
mod oks;
mod pair;
mod pck;
mod report;
mod table;
mod visibility;

pub use average_precision::{AveragePrecision, RankedPrediction, average_precision, mean_average_precision};
pub use centers::{centers_of, holds_centers};
pub use distance::{DistanceSummary, percentile};
pub use identity::{FrameIdentities, IdentityReport};
pub use labels::{TruthKind, pair_labels};
pub use likeness::{Likeness, center_reach_px};
pub use matching::{FrameMatches, Match, match_frame};
pub use oks::{OksOptions, SIGMA, bbox_area_px2, oks};
pub use pair::{FramePair, PredictedPose};
pub use pck::{Pck, PckSummary};
pub use report::{EvalOptions, EvalReport, NodeReport, PerNode, evaluate};
pub use visibility::Visibility;
