//! Every tolerance of the tests, named, with its reason. A test that needs another one adds it here.

/// Keypoints decoded from the very maps that SLEAP's networks gave, against the recorded predictions, in frame pixels.
///
/// The steps are the same, only the 25 products of the 5x5 patch may be added up in another order: about 1e-6 cells,
/// times 2 to 8 pixels a cell, and positions near 300 px have an f32 spacing of 3e-5 px. Measured: 0.
pub const SAME_MAPS_KEYPOINT_PX: f32 = 1e-4;

/// Keypoint scores from the same maps: values are copied, but maps and predictions were recorded in two runs of the
/// network, whose convolutions need not add up in the same order. Measured: 6e-7.
pub const SAME_MAPS_KEYPOINT_SCORE: f32 = 5e-6;

/// Instance scores from the same maps: per edge a mean over 10 samples, projected on the edge after and not before
/// summing. Measured: 2.4e-7.
pub const SAME_MAPS_INSTANCE_SCORE: f32 = 5e-6;

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

/// Parts planted as Gaussians of one cell, one pixel a cell, per axis: the 5x5 patch recovers about 93 % of the largest
/// offset of half a cell (see `refine`), and grey levels are whole.
pub const PLANTED_PART_PX: f32 = 0.1;

/// The same pixels in another crop, per axis: the same patch, and positions below 128 px have an f32 spacing of 8e-6 px.
pub const SAME_CROP_PX: f32 = 2e-5;

/// Maps of single operators and of networks of a few layers with inputs up to 1: the reference executor sums in f64 and rounds
/// once an operator, tract sums up to some hundred products in f32, 6e-8 each.
pub const SMALL_NETWORK: f32 = 2e-5;

/// Our CPU engine's sums and functions against f64, relative to the largest number: up to some thousand f32 products are added
/// one by one, 6e-8 each at worst, some 1e-6 in practice.
pub const CPU_DIRECT: f32 = 1e-5;

/// Winograd's method likewise: its transforms multiply by up to 10 twice before they cancel. Measured: below 5e-6.
pub const CPU_WINOGRAD: f32 = 2e-5;

/// Poses of one trained network by two engines, in px: maps differ by about 1e-6, and an integral over a 5x5 patch turns that into
/// far less than this. The promise is 0.01 px.
pub const SAME_POSE_PX: f32 = 0.01;

/// Our GPU engine's sums and functions against f64, relative to the largest number: f32 products added one by one as in
/// [`CPU_DIRECT`], and `exp` within what Vulkan allows (3 + 2 |x| units in the last place, below 1e-6 for inputs up to 4).
pub const GPU_DIRECT: f32 = 1e-5;

/// Maps of whole networks by two engines, relative to the largest number of a map: some twenty convolutions, each off by up to 5e-6
/// of its largest number (see [`CPU_WINOGRAD`]), if all these went the same way. Measured on random weights: below 2.5e-5.
pub const WHOLE_NETWORK: f32 = 1e-4;

/// Whole untrained networks by two engines, relative to the largest number of an output: some twenty layers, each of which adds up
/// to some thousand f32 products in another order.
pub const EXPORTED_NETWORK: f32 = 5e-5;

/// Refined peaks of the GPU in cells: the sums of the 5x5 patch may be fused or not (25 products at 6e-8), and WGSL's division is
/// off by up to 2.5 units in the last place; offsets reach 2 cells and places some hundred, where f32 numbers are 3e-5 apart.
pub const GPU_REFINED_CELLS: f32 = 5e-5;

/// Line scores of the GPU from the same peaks and fields: up to 64 samples of at most 1 are added, and WGSL's division and square
/// root are off by some units in the last place.
pub const GPU_LINE_SCORE: f32 = 1e-5;

/// Single operators of our GPU engine with numbers of 16 bits in memory, relative to the largest number: inputs and weights are each off by
/// up to 2^-11 (4.9e-4) of themselves, and sums of products whose squares add up to about 1 by about as much.
pub const GPU_HALF: f32 = 2e-3;

/// Whole untrained networks with numbers of 16 bits in memory, relative to the largest number of an output: some twenty layers, each of which
/// rounds its weights and its numbers to 2^-11. Measured: up to 1.0e-2; ONNX Runtime with the same numbers cast to 16 bits and back is off
/// by up to 9.4e-3 on the same networks, and the mean square is a sixth of it.
pub const HALF_NETWORK: f32 = 2e-2;

/// Poses with numbers of 16 bits in a GPU's memory, in px: the tolerance that the trainer gives a bundle's self-test. Measured on drawn scenes:
/// below 0.03 but for ties.
pub const HALF_POSE_PX: f32 = 0.1;

/// Share of keypoints that may be farther away: where two cells of a map are equal to three digits, 16 bits may choose the other one, which
/// is a cell or more away. Measured on drawn scenes: 0.009 (11 of 1244).
pub const HALF_TIES: f64 = 0.02;

/// Outputs of imported networks against TensorFlow's, relative to the largest number of an output: some twenty layers that add up to
/// some hundred f32 products in another order. Measured: 1.5e-5 for black images, whose outputs nearly cancel, 7e-6 otherwise.
pub const IMPORTED_NETWORK: f32 = 5e-5;
