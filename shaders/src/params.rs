//! The structs of the kernels' uniforms. A test compares them with what naga finds in the WGSL, field by field.

use bytemuck::{Pod, Zeroable};

/// What all convolutions read.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct ConvParams {
    /// First vec4 of the input.
    pub from_offset: u32,
    /// vec4 from one image of the input to the next.
    pub from_image: u32,
    /// Blocks of four channels of the input.
    pub from_blocks: u32,
    /// Rows of the input.
    pub from_height: u32,
    /// Columns of the input.
    pub from_width: u32,
    /// First vec4 of the result.
    pub to_offset: u32,
    /// vec4 from one image of the result to the next.
    pub to_image: u32,
    /// Blocks of four channels of the result.
    pub to_blocks: u32,
    /// Rows of the result.
    pub to_height: u32,
    /// Columns of the result.
    pub to_width: u32,
    /// Rows that this dispatch makes.
    pub rows: u32,
    /// Columns that this dispatch makes.
    pub columns: u32,
    /// Result row of its first row.
    pub first_y: u32,
    /// Result column of its first column.
    pub first_x: u32,
    /// Result rows from one of its rows to the next.
    pub step_y: u32,
    /// Result columns from one of its columns to the next.
    pub step_x: u32,
    /// Input rows from one of its rows to the next.
    pub stride_y: u32,
    /// Input columns from one of its columns to the next.
    pub stride_x: u32,
    /// Rows of the window.
    pub kernel_rows: u32,
    /// Columns of the window.
    pub kernel_columns: u32,
    /// Taps of this dispatch.
    pub taps: u32,
    /// Input channels of a group.
    pub group_in: u32,
    /// Result channels of a group.
    pub group_out: u32,
    /// Channels of the result.
    pub to_channels: u32,
    /// First vec4 of the result pooled by 2x2, in the same buffer.
    pub pooled_offset: u32,
    /// vec4 from one image of the pooled result to the next.
    pub pooled_image: u32,
    /// Rows of the pooled result.
    pub pooled_height: u32,
    /// Columns of the pooled result.
    pub pooled_width: u32,
    /// Slope of a leaky ReLU, or least result of a clip.
    pub low: f32,
    /// Largest result of a clip.
    pub high: f32,
}

/// What the pooling kernel reads.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct PoolParams {
    /// First vec4 of the input.
    pub from_offset: u32,
    /// vec4 from one image of the input to the next.
    pub from_image: u32,
    /// Rows of the input.
    pub from_height: u32,
    /// Columns of the input.
    pub from_width: u32,
    /// First vec4 of the result.
    pub to_offset: u32,
    /// vec4 from one image of the result to the next.
    pub to_image: u32,
    /// Blocks of four channels of the result.
    pub to_blocks: u32,
    /// Rows of the result.
    pub to_height: u32,
    /// Columns of the result.
    pub to_width: u32,
    /// Rows of the window.
    pub kernel_rows: u32,
    /// Columns of the window.
    pub kernel_columns: u32,
    /// Input rows from one of its rows to the next.
    pub stride_y: u32,
    /// Input columns from one of its columns to the next.
    pub stride_x: u32,
    /// Rows from one tap to the next.
    pub dilation_y: u32,
    /// Columns from one tap to the next.
    pub dilation_x: u32,
    /// Rows of padding above.
    pub top: u32,
    /// Columns of padding before.
    pub left: u32,
    /// Rows with all padding.
    pub padded_height: u32,
    /// Columns with all padding.
    pub padded_width: u32,
}

/// What sums and products read.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct BinaryParams {
    /// First vec4 of the first map.
    pub a_offset: u32,
    /// vec4 from one image of the first map to the next.
    pub a_image: u32,
    /// vec4 from one block of the first map to the next; 0 repeats it.
    pub a_block: u32,
    /// vec4 from one row of the first map to the next; 0 repeats it.
    pub a_row: u32,
    /// vec4 from one column of the first map to the next; 0 repeats it.
    pub a_column: u32,
    /// 1 if the first map has one channel, which is repeated.
    pub a_single: u32,
    /// First vec4 of the second map.
    pub b_offset: u32,
    /// vec4 from one image of the second map to the next.
    pub b_image: u32,
    /// vec4 from one block of the second map to the next; 0 repeats it.
    pub b_block: u32,
    /// vec4 from one row of the second map to the next; 0 repeats it.
    pub b_row: u32,
    /// vec4 from one column of the second map to the next; 0 repeats it.
    pub b_column: u32,
    /// 1 if the second map has one channel, which is repeated.
    pub b_single: u32,
    /// First vec4 of the result.
    pub to_offset: u32,
    /// vec4 from one image of the result to the next.
    pub to_image: u32,
    /// Blocks of four channels of the result.
    pub to_blocks: u32,
    /// Rows of the result.
    pub to_height: u32,
    /// Columns of the result.
    pub to_width: u32,
}

/// What kernels from one map to another read; the last five fields mean what the kernel says.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct PairParams {
    /// First vec4 of the input.
    pub from_offset: u32,
    /// vec4 from one image of the input to the next.
    pub from_image: u32,
    /// Channels of the input.
    pub from_channels: u32,
    /// Rows of the input.
    pub from_height: u32,
    /// Columns of the input.
    pub from_width: u32,
    /// First vec4 of the result.
    pub to_offset: u32,
    /// vec4 from one image of the result to the next.
    pub to_image: u32,
    /// Channels of the result.
    pub to_channels: u32,
    /// Rows of the result.
    pub to_height: u32,
    /// Columns of the result.
    pub to_width: u32,
    /// Rows of padding above.
    pub top: u32,
    /// Columns of padding before.
    pub left: u32,
    /// First channel in a joined map.
    pub channel: u32,
    /// Slope of a leaky ReLU, or least result of a clip.
    pub low: f32,
    /// Largest result of a clip.
    pub high: f32,
}

/// What one row or column of a scaled map reads.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
pub struct Reads {
    /// The first row or column.
    pub first: u32,
    /// The second row or column.
    pub second: u32,
    /// Weight of the second, 0 to 1.
    pub weight: f32,
}
