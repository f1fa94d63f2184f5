//! Settings that suit the labels, each with its reason.

mod data;
mod model;
mod settings;
mod view;

pub use settings::{Recommendation, Wishes, recommend};
pub use view::{View, guess_view};
