//! Settings that suit the labels, each with its reason.

mod anchor;
mod data;
mod model;
mod settings;
mod top_down;
mod view;

pub use anchor::guess_anchor;
pub use settings::{Recommendation, Wishes, recommend};
pub use view::{View, guess_view};
