//! The layers that are read, with typed and checked settings.

use super::activation::Activation;
use super::settings::Settings;
use crate::error::Result;
use serde_json::Value;

/// Classes that are read, for messages.
const CLASSES: &str = "InputLayer, Conv2D, DepthwiseConv2D, SeparableConv2D, Conv2DTranspose, Dense, BatchNormalization, \
    Activation, ReLU, LeakyReLU, Softmax, MaxPooling2D, AveragePooling2D, GlobalMaxPooling2D, GlobalAveragePooling2D, UpSampling2D, \
    ZeroPadding2D, Concatenate, Add, Multiply, Flatten, Reshape to one cell, Dropout, SpatialDropout2D, FixedDropout, and models of these";

/// A sliding window; pairs are `[vertical, horizontal]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// TensorFlow's "same": `ceil(side / stride)` results, an odd row or column of padding at the end.
    pub same: bool,
}

/// What the weighted layers share: an optional bias, then a function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finish {
    pub bias: bool,
    pub activation: Activation,
}

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Layer {
    /// The image; a side is `None` where the network takes any.
    Input { channels: usize, sides_px: [Option<usize>; 2] },
    /// Convolution to `filters` channels, in `groups` parts.
    Conv { filters: usize, groups: usize, window: Window, finish: Finish },
    /// Convolution of each channel by itself to `multiplier` channels.
    Depthwise { multiplier: usize, window: Window, finish: Finish },
    /// The same and a 1x1 convolution to `filters` channels.
    Separable { multiplier: usize, filters: usize, window: Window, finish: Finish },
    /// Transposed convolution.
    Transposed { filters: usize, window: Window, finish: Finish },
    /// Fully connected: the same for each cell of a map.
    Dense { units: usize, finish: Finish },
    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, without gamma or beta where the network has none.
    BatchNorm { epsilon: f32, gamma: bool, beta: bool },
    /// A function of each number.
    Activate(Activation),
    /// Largest number or mean under a window.
    Pool { largest: bool, window: Window },
    /// Largest number or mean of each channel.
    GlobalPool { largest: bool },
    /// Enlarged by whole factors.
    Upsample { factors: [usize; 2], bilinear: bool },
    /// Zeros at top, left, bottom, right.
    ZeroPad([usize; 4]),
    /// All inputs, one behind the other by channels.
    Concat,
    /// Sum of all inputs.
    Add,
    /// Product of all inputs.
    Multiply,
    /// A vector from a map of one cell.
    Flatten,
    /// A map of one cell from a vector of so many channels.
    Cell { channels: usize },
    /// Three channels from one.
    Repeat,
    /// Values of 0 to 1 as networks of Caffe's time want them: blue first, 0 to 255, less the mean of ImageNet.
    Caffe,
    /// Does something in training only.
    Pass,
}

impl Layer {
    /// Reads one layer's settings.
    ///
    /// # Errors
    /// [`crate::Error::Layer`] for a class that is not known or a setting that is not supported.
    pub fn read(settings: &Settings<'_>) -> Result<Self> {
        settings.ensure_channels_last()?;
        match settings.class {
            "InputLayer" => input(settings),
            "Conv2D" | "DepthwiseConv2D" | "SeparableConv2D" | "Conv2DTranspose" | "Dense" => weighted(settings),
            "MaxPooling2D" | "AveragePooling2D" => {
                let kernel = settings.pair("pool_size", [2, 2])?;
                let stride = settings.pair("strides", kernel)?;
                let window = Window { kernel, stride, dilation: [1, 1], same: settings.is_same()? };
                Ok(Self::Pool { largest: settings.class == "MaxPooling2D", window })
            }
            "GlobalMaxPooling2D" => Ok(Self::GlobalPool { largest: true }),
            "GlobalAveragePooling2D" => Ok(Self::GlobalPool { largest: false }),
            "BatchNormalization" => batch_norm(settings),
            "Activation" => Ok(Self::Activate(Activation::of(settings)?)),
            "ReLU" => Ok(Self::Activate(Activation::of_relu(settings)?)),
            "LeakyReLU" => Ok(Self::Activate(Activation::LeakyRelu(settings.number("alpha", 0.3)?))),
            "Softmax" => last_axis(settings).map(|()| Self::Activate(Activation::Softmax)),
            "UpSampling2D" => upsample(settings),
            "ZeroPadding2D" => Ok(Self::ZeroPad(settings.around("padding")?)),
            "Concatenate" => last_axis(settings).map(|()| Self::Concat),
            "Add" => Ok(Self::Add),
            "Multiply" => Ok(Self::Multiply),
            "Flatten" => Ok(Self::Flatten),
            "Reshape" => cell(settings),
            "Lambda" => python(settings),
            // EfficientNet's own class is a Dropout.
            "Dropout" | "SpatialDropout2D" | "FixedDropout" => Ok(Self::Pass),
            _ => Err(settings.fault(format!("layers of this class are not read; known are {CLASSES}"))),
        }
    }
}

fn input(settings: &Settings<'_>) -> Result<Layer> {
    let wanted = "[null, height, width, channels] with 1 or 3 channels";
    let sides = settings.get("batch_input_shape").and_then(Value::as_array).map(Vec::as_slice);
    let Some([_, height, width, channels]) = sides else { return Err(settings.unfit("batch_input_shape", wanted)) };
    let channels = channels.as_u64().filter(|c| matches!(c, 1 | 3));
    let channels = channels.ok_or_else(|| settings.unfit("batch_input_shape", wanted))? as usize;
    let side = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    Ok(Layer::Input { channels, sides_px: [side(height), side(width)] })
}

/// `Reshape` of a vector to `[1, 1, channels]`, as before the 1x1 convolutions of squeeze-and-excitation blocks.
fn cell(settings: &Settings<'_>) -> Result<Layer> {
    let sides = settings.get("target_shape").and_then(Value::as_array).map(Vec::as_slice);
    match sides.map(|sides| sides.iter().map(Value::as_u64).collect::<Vec<_>>()).as_deref() {
        Some([Some(1), Some(1), Some(channels)]) => Ok(Layer::Cell { channels: *channels as usize }),
        _ => Err(settings.unfit("target_shape", "[1, 1, channels]")),
    }
}

/// A `Lambda` is Python code, which is not run: those that SLEAP puts before pretrained encoders are known by name.
fn python(settings: &Settings<'_>) -> Result<Layer> {
    let is_sleaps = settings.text("module", "")?.starts_with("sleap.nn.");
    match settings.layer {
        "tile_channels" | "ensure_rgb" if is_sleaps => Ok(Layer::Repeat),
        "imagenet_preproc_v1" if is_sleaps => Ok(Layer::Caffe),
        _ => Err(settings.fault("Python code is not run; known are SLEAP's tile_channels, ensure_rgb and imagenet_preproc_v1")),
    }
}

/// Layers with a kernel.
fn weighted(settings: &Settings<'_>) -> Result<Layer> {
    let finish = Finish { bias: settings.flag("use_bias", true)?, activation: Activation::of(settings)? };
    if settings.class == "Dense" {
        return Ok(Layer::Dense { units: settings.channels("units")?, finish });
    }
    let kernel = settings.pair("kernel_size", [0, 0])?;
    let (stride, dilation) = (settings.pair("strides", [1, 1])?, settings.pair("dilation_rate", [1, 1])?);
    let window = Window { kernel, stride, dilation, same: settings.is_same()? };
    if kernel == [0, 0] {
        return Err(settings.unfit("kernel_size", "one or two numbers of 1 to 4096"));
    }
    if stride != [1, 1] && dilation != [1, 1] {
        return Err(settings.unfit("dilation_rate", "1 beside strides above 1, as in TensorFlow"));
    }
    let multiplier = if settings.get("depth_multiplier").is_some() { settings.channels("depth_multiplier")? } else { 1 };
    Ok(match settings.class {
        "DepthwiseConv2D" => Layer::Depthwise { multiplier, window, finish },
        "SeparableConv2D" => Layer::Separable { multiplier, filters: settings.channels("filters")?, window, finish },
        "Conv2DTranspose" => {
            if dilation != [1, 1] {
                return Err(settings.unfit("dilation_rate", "1"));
            }
            if settings.get("output_padding").is_some() {
                return Err(settings.unfit("output_padding", "null"));
            }
            settings.ensure_is("groups", 1)?;
            Layer::Transposed { filters: settings.channels("filters")?, window, finish }
        }
        _ => {
            let groups = if settings.get("groups").is_some() { settings.channels("groups")? } else { 1 };
            Layer::Conv { filters: settings.channels("filters")?, groups, window, finish }
        }
    })
}

fn batch_norm(settings: &Settings<'_>) -> Result<Layer> {
    last_axis(settings)?;
    let epsilon = settings.number("epsilon", 1e-3)?;
    if epsilon < 0.0 {
        return Err(settings.unfit("epsilon", "0 or more"));
    }
    Ok(Layer::BatchNorm { epsilon, gamma: settings.flag("scale", true)?, beta: settings.flag("center", true)? })
}

fn upsample(settings: &Settings<'_>) -> Result<Layer> {
    let bilinear = match settings.text("interpolation", "nearest")? {
        "nearest" => false,
        "bilinear" => true,
        _ => return Err(settings.unfit("interpolation", "\"nearest\" or \"bilinear\"")),
    };
    Ok(Layer::Upsample { factors: settings.pair("size", [2, 2])?, bilinear })
}

/// Refuses another axis than the channels; Keras writes it as a number or as a list of one.
fn last_axis(settings: &Settings<'_>) -> Result<()> {
    let axis = match settings.get("axis") {
        None => Some(-1),
        Some(Value::Array(items)) if items.len() == 1 => items[0].as_i64(),
        Some(value) => value.as_i64(),
    };
    if matches!(axis, Some(-1 | 3)) { Ok(()) } else { Err(settings.unfit("axis", "that of the channels, -1 or 3")) }
}
