//! The operators that our own engines know, with typed and checked settings.
//!
//! All maps are f32 in the order batch, channels, height, width; vectors have height and width 1. Pairs are `[vertical,
//! horizontal]`. Weights and other numbers are constants of the graph; a node's inputs are only what changes from run to run.

use super::ConstantId;

/// One operator.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Cross-correlation with weights `[out, in / groups, rows, columns]`. Fully connected layers are 1x1 convolutions.
    Conv(Conv),
    /// Transposed convolution with weights `[in, out / groups, rows, columns]`.
    ConvTranspose(ConvTranspose),
    /// `y = scale[channel] * x + shift[channel]`: batch normalisation, and sums and products with constants.
    ScaleShift {
        /// One factor per channel.
        scale: ConstantId,
        /// One summand per channel.
        shift: ConstantId,
    },
    /// A function of each number.
    Activate(Activation),
    /// Sum of two maps; a side of 1 is repeated (batch excepted).
    Add,
    /// Product of two maps; a side of 1 is repeated (batch excepted).
    Mul,
    /// All inputs, one behind the other by channels.
    Concat,
    /// Largest number under a window; padding never wins.
    MaxPool(Pool),
    /// Mean under a window.
    AveragePool {
        /// The window.
        pool: Pool,
        /// Whether padded places count as zeros (they are left out otherwise).
        count_padding: bool,
    },
    /// Mean of each channel.
    GlobalAveragePool,
    /// Largest number of each channel.
    GlobalMaxPool,
    /// Scaling of height and width.
    Resize(Resize),
    /// Softmax over the channels.
    Softmax,
    /// The same numbers with other sides.
    Reshape {
        /// New batch, channels, height and width.
        to: [Side; 4],
        /// Numbers are taken in the order height, width, channels (row by row, channels fastest) instead of channel by channel.
        channels_last: bool,
    },
    /// Rows and columns added around the maps.
    Pad {
        /// How many: top, left, bottom, right.
        pads_px: [usize; 4],
        /// What stands there.
        with: PadWith,
    },
}

impl Op {
    /// Short name for tables.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "Conv",
            Self::ConvTranspose(_) => "ConvTranspose",
            Self::ScaleShift { .. } => "ScaleShift",
            Self::Activate(activation) => activation.name(),
            Self::Add => "Add",
            Self::Mul => "Mul",
            Self::Concat => "Concat",
            Self::MaxPool(_) => "MaxPool",
            Self::AveragePool { .. } => "AveragePool",
            Self::GlobalAveragePool => "GlobalAveragePool",
            Self::GlobalMaxPool => "GlobalMaxPool",
            Self::Resize(_) => "Resize",
            Self::Softmax => "Softmax",
            Self::Reshape { .. } => "Reshape",
            Self::Pad { .. } => "Pad",
        }
    }
}

/// Settings of a convolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// `[out, in / groups, rows, columns]`.
    pub weight: ConstantId,
    /// `[out]`.
    pub bias: Option<ConstantId>,
    /// Size, steps and padding of the window.
    pub window: Window,
    /// Channels are split into this many parts that do not see each other; `groups == in == out` is depthwise.
    pub groups: usize,
    /// Applied to every sum, after the bias.
    pub activation: Activation,
}

/// Settings of a transposed convolution.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvTranspose {
    /// `[in, out / groups, rows, columns]`.
    pub weight: ConstantId,
    /// `[out]`.
    pub bias: Option<ConstantId>,
    /// Size, steps and padding of the window; padding is cut off the result.
    pub window: Window,
    /// Rows and columns added at the lower and right end of the result.
    pub output_padding_px: [usize; 2],
    /// As for [`Conv`].
    pub groups: usize,
    /// Applied to every sum, after the bias.
    pub activation: Activation,
}

/// A sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns, at least 1.
    pub kernel: [usize; 2],
    /// Steps, at least 1.
    pub stride: [usize; 2],
    /// Distance of neighbouring taps, at least 1.
    pub dilation: [usize; 2],
    /// What is added around the input.
    pub padding: Padding,
}

/// Rows and columns thought around the input of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Top, left, bottom, right.
    Explicit([usize; 4]),
    /// As much as gives `ceil(input / stride)`; an odd one goes to the lower and right end (Keras' "same").
    SameUpper,
    /// The same, with an odd one at the upper and left end.
    SameLower,
}

impl Padding {
    /// No padding.
    pub const NONE: Self = Self::Explicit([0; 4]);
}

/// Settings of a pooling operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Size, steps and padding of the window.
    pub window: Window,
    /// A last window that is only partly inside counts too, provided that it does not begin in the padding.
    pub ceil: bool,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Activation {
    /// The number itself.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, `slope * x` elsewhere.
    LeakyRelu {
        /// Factor for negative numbers.
        slope: f32,
    },
    /// `min(max(x, low), high)`, with `low <= high`.
    Clip {
        /// Least result.
        low: f32,
        /// Largest result.
        high: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x * min(max(x / 6 + 1 / 2, 0), 1)`.
    HardSwish,
    /// `x / (1 + exp(-x))`, also called Swish.
    Silu,
}

impl Activation {
    /// Short name for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Relu => "Relu",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Clip { .. } => "Clip",
            Self::Sigmoid => "Sigmoid",
            Self::HardSwish => "HardSwish",
            Self::Silu => "Silu",
        }
    }
}

/// Settings of a scaling of height and width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resize {
    /// How large the result is.
    pub target: ResizeTarget,
    /// Where a result row or column lies in the input.
    pub coordinates: Coordinates,
    /// What is taken from there.
    pub filter: Filter,
}

impl Resize {
    /// Both sides doubled, whatever the filter.
    pub fn is_double(&self) -> bool {
        self.target == ResizeTarget::Scales([2.0, 2.0])
    }
}

/// How large the result of a [`Resize`] is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ResizeTarget {
    /// `floor(side * scale)`, scales finite and positive.
    Scales([f32; 2]),
    /// Height and width, at least 1.
    Sizes([usize; 2]),
}

/// Where row (or column) `y` of the result lies in the input, by ONNX's names; `scale` is the given one, or result / input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinates {
    /// `y / scale`.
    Asymmetric,
    /// `(y + 0.5) / scale - 0.5`.
    HalfPixel,
    /// `HalfPixel`, but 0 when the result has one row.
    PytorchHalfPixel,
    /// `y * (input - 1) / (result - 1)`, 0 when the result has one row.
    AlignCorners,
}

/// What a [`Resize`] takes from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The nearest row and column.
    Nearest(Rounding),
    /// Weighted mean of the four neighbours, the edge repeated beyond it.
    Linear,
}

/// Which neighbour is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// The nearer one, halves down.
    PreferFloor,
    /// The nearer one, halves up.
    PreferCeil,
    /// The one before.
    Floor,
    /// The one behind.
    Ceil,
}

/// A side in a [`Op::Reshape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// That many.
    Fixed(usize),
    /// As many as the input has in the same place.
    Keep,
    /// Whatever is left; at most one side.
    Rest,
}

/// What a [`Op::Pad`] puts around the maps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadWith {
    /// One number.
    Constant(f32),
    /// The inside mirrored at the edge, which is not repeated.
    Reflect,
    /// The edge.
    Edge,
}
