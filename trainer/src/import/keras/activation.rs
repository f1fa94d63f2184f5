//! Functions of single numbers.

use super::settings::Settings;
use crate::error::Result;

/// A function that follows a layer or is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation {
    /// The number itself.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), most)`.
    ReluUpTo(f32),
    /// `x` where positive, `slope * x` elsewhere.
    LeakyRelu(f32),
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x * sigmoid(x)`.
    Swish,
    /// Softmax over the channels.
    Softmax,
}

/// Keras' names of those that are read.
const NAMES: &str = "one of linear, relu, relu6, sigmoid, swish, silu, softmax";

impl Activation {
    /// The setting `activation` of any layer.
    pub fn of(settings: &Settings<'_>) -> Result<Self> {
        Ok(match settings.text("activation", "linear")? {
            "linear" => Self::Linear,
            "relu" => Self::Relu,
            "relu6" => Self::ReluUpTo(6.0),
            "sigmoid" => Self::Sigmoid,
            "swish" | "silu" => Self::Swish,
            "softmax" => Self::Softmax,
            _ => return Err(settings.unfit("activation", NAMES)),
        })
    }

    /// The layer `ReLU`: bounds and slope in any combination that is one of ours.
    pub fn of_relu(settings: &Settings<'_>) -> Result<Self> {
        if settings.number("threshold", 0.0)? != 0.0 {
            return Err(settings.unfit("threshold", "0"));
        }
        let slope = settings.number("negative_slope", 0.0)?;
        match settings.get("max_value") {
            None if slope == 0.0 => Ok(Self::Relu),
            None => Ok(Self::LeakyRelu(slope)),
            Some(_) if slope == 0.0 => {
                let most = settings.number("max_value", 0.0)?;
                if most > 0.0 { Ok(Self::ReluUpTo(most)) } else { Err(settings.unfit("max_value", "positive")) }
            }
            Some(_) => Err(settings.unfit("max_value", "null beside a negative_slope")),
        }
    }
}
