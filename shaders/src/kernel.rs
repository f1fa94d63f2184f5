//! The table of kernels.

use core::fmt;

/// A kernel: one file in `kernels/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// Dense convolution with many channels: a matrix product.
    ConvGemm,
    /// Dense convolution of small maps with many channels.
    ConvSplit,
    /// Dense 3x3 convolution of step 1 with few channels.
    Conv3x3,
    /// Dense convolution of the image's planes.
    ConvImage,
    /// Convolution of each channel by itself.
    Depthwise,
    /// Convolution in groups.
    ConvGrouped,
    /// Fully connected layer.
    Dense,
    /// Pooling under a window.
    Pool,
    /// Pooling of whole channels.
    GlobalPool,
    /// Scaling of height and width.
    Resize,
    /// Sum or product of two maps.
    Binary,
    /// Factor, summand and activation.
    Pointwise,
    /// Softmax over channels.
    Softmax,
    /// Copy to a range of channels.
    Join,
    /// Other sides for the same numbers.
    Reshape,
    /// Rows and columns added.
    Pad,
    /// Planes to blocks of four channels.
    Pack,
    /// Blocks of four channels to planes.
    Unpack,
    /// A frame's bytes to the network's input.
    Preprocess,
    /// Which cells are local maxima.
    PeakBits,
    /// Lists of local maxima.
    Peaks,
    /// The largest number of each channel.
    GlobalPeaks,
    /// Sub-cell positions of peaks.
    Refine,
    /// Line scores of candidate edges.
    Paf,
    /// Class maps at peaks.
    Classes,
    /// Where crops around centroids lie.
    Crop,
}

/// How a kernel uses the buffer of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Parameters, in uniform memory.
    Params,
    /// Read only.
    Read,
    /// Written. What other dispatches wrote there may be read, but not what this one writes.
    Write,
}

use Access::{Params, Read, Write};

const CONV: &[Access] = &[Params, Read, Read, Read, Read, Write];
const ONE_INPUT: &[Access] = &[Params, Read, Write];
const TWO_INPUTS: &[Access] = &[Params, Read, Read, Write];
const THREE_INPUTS: &[Access] = &[Params, Read, Read, Read, Write];

impl Kernel {
    /// All kernels.
    pub const ALL: [Self; 26] = [
        Self::ConvGemm,
        Self::ConvSplit,
        Self::Conv3x3,
        Self::ConvImage,
        Self::Depthwise,
        Self::ConvGrouped,
        Self::Dense,
        Self::Pool,
        Self::GlobalPool,
        Self::Resize,
        Self::Binary,
        Self::Pointwise,
        Self::Softmax,
        Self::Join,
        Self::Reshape,
        Self::Pad,
        Self::Pack,
        Self::Unpack,
        Self::Preprocess,
        Self::PeakBits,
        Self::Peaks,
        Self::GlobalPeaks,
        Self::Refine,
        Self::Paf,
        Self::Classes,
        Self::Crop,
    ];

    /// Name of its file without the ending.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The text of its file.
    pub(crate) const fn file(self) -> &'static str {
        self.row().1
    }

    /// What it binds, in the order of the binding numbers from 0: parameters, constants, inputs, output.
    pub const fn bindings(self) -> &'static [Access] {
        self.row().2
    }

    const fn row(self) -> (&'static str, &'static str, &'static [Access]) {
        match self {
            Self::ConvGemm => ("conv_gemm", include_str!("../kernels/conv_gemm.wgsl"), CONV),
            Self::ConvSplit => ("conv_split", include_str!("../kernels/conv_split.wgsl"), CONV),
            Self::Conv3x3 => ("conv3x3", include_str!("../kernels/conv3x3.wgsl"), CONV),
            Self::ConvImage => ("conv_image", include_str!("../kernels/conv_image.wgsl"), CONV),
            Self::Depthwise => ("depthwise", include_str!("../kernels/depthwise.wgsl"), CONV),
            Self::ConvGrouped => ("conv_grouped", include_str!("../kernels/conv_grouped.wgsl"), CONV),
            Self::Dense => ("dense", include_str!("../kernels/dense.wgsl"), THREE_INPUTS),
            Self::Pool => ("pool", include_str!("../kernels/pool.wgsl"), ONE_INPUT),
            Self::GlobalPool => ("global_pool", include_str!("../kernels/global_pool.wgsl"), ONE_INPUT),
            Self::Resize => ("resize", include_str!("../kernels/resize.wgsl"), TWO_INPUTS),
            Self::Binary => ("binary", include_str!("../kernels/binary.wgsl"), TWO_INPUTS),
            Self::Pointwise => ("pointwise", include_str!("../kernels/pointwise.wgsl"), TWO_INPUTS),
            Self::Softmax => ("softmax", include_str!("../kernels/softmax.wgsl"), ONE_INPUT),
            Self::Join => ("join", include_str!("../kernels/join.wgsl"), ONE_INPUT),
            Self::Reshape => ("reshape", include_str!("../kernels/reshape.wgsl"), ONE_INPUT),
            Self::Pad => ("pad", include_str!("../kernels/pad.wgsl"), ONE_INPUT),
            Self::Pack => ("pack", include_str!("../kernels/pack.wgsl"), ONE_INPUT),
            Self::Unpack => ("unpack", include_str!("../kernels/unpack.wgsl"), ONE_INPUT),
            Self::Preprocess => ("preprocess", include_str!("../kernels/preprocess.wgsl"), THREE_INPUTS),
            Self::PeakBits => ("peak_bits", include_str!("../kernels/peak_bits.wgsl"), ONE_INPUT),
            Self::Peaks => ("peaks", include_str!("../kernels/peaks.wgsl"), TWO_INPUTS),
            Self::GlobalPeaks => ("global_peaks", include_str!("../kernels/global_peaks.wgsl"), ONE_INPUT),
            Self::Refine => ("refine", include_str!("../kernels/refine.wgsl"), TWO_INPUTS),
            Self::Paf => ("paf", include_str!("../kernels/paf.wgsl"), TWO_INPUTS),
            Self::Classes => ("classes", include_str!("../kernels/classes.wgsl"), ONE_INPUT),
            Self::Crop => ("crop", include_str!("../kernels/crop.wgsl"), TWO_INPUTS),
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
