//! Bounds on what a file may ask for, checked before anything is allocated or computed.
//!
//! They are far above the pose networks in use (some hundred nodes, kernels up to 7, maps up to 4096 px) and far below what
//! would overflow or fill a machine.

/// Nodes, constants and names of one graph.
pub(super) const MAX_NODES: usize = 1 << 14;
/// Inputs of all nodes together.
pub(super) const MAX_EDGES: usize = 1 << 16;
/// Sides of a constant.
pub(super) const MAX_RANK: usize = 8;
/// Kernel, stride, dilation or padding of a window, in rows or columns.
pub(super) const MAX_EXTENT: usize = 1 << 12;
/// Batch, channels, height or width of a map.
pub(super) const MAX_SIDE: usize = 1 << 20;
/// Numbers in one map or constant: 1 GiB as f32, so that byte counts and offsets fit 32-bit machines too.
pub(super) const MAX_NUMBERS: usize = 1 << 28;
/// Largest factor of a resize.
pub(super) const MAX_SCALE: f32 = 64.0;
/// Inputs, and outputs, of one graph.
pub(super) const MAX_PORTS: usize = 64;
/// Numbers computed or copied while reading, all together.
pub(super) const MAX_COMPUTED: usize = 1 << 26;
/// Numbers in a sum or product of constants.
pub(super) const MAX_BROADCAST: usize = 1 << 22;
