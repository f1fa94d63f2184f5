//! The structs of the kernels that make the input and read the maps of a frame.

use bytemuck::{Pod, Zeroable};

/// What the kernel of the network's input reads.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct PreprocessParams {
    /// Columns of the frame.
    pub frame_width: u32,
    /// Bytes of a pixel.
    pub pixel_bytes: u32,
    /// Byte of a pixel that is red.
    pub red: u32,
    /// Byte of a pixel that is green.
    pub green: u32,
    /// Byte of a pixel that is blue.
    pub blue: u32,
    /// 1 where a gray input gets a colour frame.
    pub luma: u32,
    /// Columns of the scaled frame.
    pub content_width: u32,
    /// Rows of the scaled frame.
    pub content_height: u32,
    /// Columns of the input.
    pub to_width: u32,
    /// Rows of the input.
    pub to_height: u32,
    /// Channels of the input.
    pub to_channels: u32,
    /// Source columns of one column.
    pub x_taps: u32,
    /// Source rows of one row.
    pub y_taps: u32,
    /// Where the tables of the columns begin.
    pub x_table: u32,
    /// Where the tables of the rows begin.
    pub y_table: u32,
    /// 0, which the compiler must not know.
    pub zero: u32,
}

/// What finding and refining peaks reads. Lists are one a channel and image.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct PeakParams {
    /// First vec4 of the maps.
    pub from_offset: u32,
    /// vec4 from one image of the maps to the next.
    pub from_image: u32,
    /// Channels of the maps.
    pub channels: u32,
    /// Rows of the maps.
    pub height: u32,
    /// Columns of the maps.
    pub width: u32,
    /// Room of one list in peaks.
    pub max_peaks: u32,
    /// All lists.
    pub lists: u32,
    /// Words of a channel of which each bit is a cell.
    pub words: u32,
    /// The least value as its bits; not negative.
    pub threshold: u32,
}

/// What the kernel of line scores reads.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct LineParams {
    /// First vec4 of the affinity field.
    pub from_offset: u32,
    /// Rows of the field.
    pub height: u32,
    /// Columns of the field.
    pub width: u32,
    /// Lists of peaks.
    pub lists: u32,
    /// Edges that are scored.
    pub edges: u32,
    /// Points sampled along a line.
    pub samples: u32,
    /// Affinity cells of one cell of the confidence maps.
    pub cells_per_cell: f32,
    /// Input pixels of one affinity cell.
    pub stride_px: f32,
    /// Length from which on lines are penalised.
    pub max_length_px: f32,
    /// The largest penalty.
    pub penalty_weight: f32,
    /// 0, which the compiler must not know.
    pub zero: u32,
}

/// What the kernel of class maps reads.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct ClassParams {
    /// First vec4 of the class maps.
    pub from_offset: u32,
    /// Rows of the class maps.
    pub height: u32,
    /// Columns of the class maps.
    pub width: u32,
    /// Classes.
    pub classes: u32,
    /// Lists of peaks.
    pub lists: u32,
    /// Class-map cells of one cell of the confidence maps.
    pub cells_per_cell: f32,
}

/// What the kernel that places crops reads.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct CropParams {
    /// Most crops.
    pub room: u32,
    /// Dispatches whose workgroups are counted.
    pub dispatches: u32,
    /// Sides of a crop in pixels.
    pub side_px: u32,
    /// Pixels of the centroid network's input of one cell of its map.
    pub stride_px: f32,
    /// Pixels of the centroid network's input of one pixel of the frame.
    pub scale: f32,
    /// Pixels of the scaled frame that crops are cut from, of one pixel of the frame.
    pub crop_scale: f32,
    /// Of two peaks that are closer, in pixels of the frame, one is dropped.
    pub min_distance_px: f32,
    /// 0, which the compiler must not know.
    pub zero: u32,
}
