//! Every tolerance of the cross-crate tests, each with its reason.

/// Preprocessing without scaling: one division of a whole number by 255 in single precision.
pub const PIXEL: f32 = 1e-7;

/// Preprocessing with scaling, in grey levels: the result is rounded to a whole level (0.5), and its weights are single
/// precision while the oracle's are double (up to 16 384 / 8 taps of 255 levels at 6e-8 each).
pub const SCALED_LEVELS: f64 = 0.5 + 2e-3;

/// Luma in grey levels: rounding to a whole level (0.5) and weights in 1/65536 (3 x 255 / 131072).
pub const LUMA_LEVELS: f64 = 0.5 + 6e-3;

/// There and back through a scale: two roundings to single precision, relative.
pub const MAP_ROUND_TRIP: f32 = 2.0 * f32::EPSILON;

/// Metrics against a naive oracle: sums of some hundred doubles in another order.
pub const METRIC: f64 = 1e-9;
