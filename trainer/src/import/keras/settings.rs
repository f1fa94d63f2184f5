//! The settings of one layer in Keras' `model_config`, read by name and checked.

use crate::error::Error;
use serde_json::{Map, Value};
use std::path::Path;

/// Largest kernel, step, dilation or padding, in rows or columns: what the runtime reads.
const MAX_EXTENT: u64 = 1 << 12;
/// Most channels of a layer, against numbers that nobody means.
const MAX_CHANNELS: u64 = 1 << 20;

/// One layer's settings, with what messages need.
#[derive(Clone, Copy)]
pub(super) struct Settings<'a> {
    pub path: &'a Path,
    pub layer: &'a str,
    pub class: &'a str,
    pub config: &'a Map<String, Value>,
}

impl<'a> Settings<'a> {
    /// An error about this layer.
    pub fn fault(&self, what: impl Into<String>) -> Error {
        Error::Layer { path: self.path.to_path_buf(), layer: self.layer.into(), class: self.class.into(), what: what.into() }
    }

    /// An error about one setting: what it is and what it may be.
    pub fn unfit(&self, key: &str, allowed: &str) -> Error {
        let value = self.config.get(key).unwrap_or(&Value::Null);
        self.fault(format!("{key} = {value} is not supported; it must be {allowed}"))
    }

    /// The setting, `None` where it is missing or null.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// A text; `default` where it is missing.
    pub fn text(&self, key: &str, default: &'a str) -> Result<&'a str, Error> {
        self.get(key).map_or(Ok(default), |value| value.as_str().ok_or_else(|| self.unfit(key, "a text")))
    }

    /// A switch; `default` where it is missing.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, Error> {
        self.get(key).map_or(Ok(default), |value| value.as_bool().ok_or_else(|| self.unfit(key, "true or false")))
    }

    /// A finite number; `default` where it is missing.
    pub fn number(&self, key: &str, default: f32) -> Result<f32, Error> {
        let number = self.get(key).map_or(Some(default), |value| value.as_f64().map(|v| v as f32));
        number.filter(|v| v.is_finite()).ok_or_else(|| self.unfit(key, "a number"))
    }

    /// Channels, 1 to 2^20.
    pub fn channels(&self, key: &str) -> Result<usize, Error> {
        let count = self.get(key).and_then(Value::as_u64).filter(|n| (1..=MAX_CHANNELS).contains(n));
        count.map(|n| n as usize).ok_or_else(|| self.unfit(key, "a number of channels"))
    }

    /// Two extents (vertical, horizontal) of 1 to 4096, or one for both; `default` where they are missing.
    pub fn pair(&self, key: &str, default: [usize; 2]) -> Result<[usize; 2], Error> {
        let extent = |value: &Value| value.as_u64().filter(|n| (1..=MAX_EXTENT).contains(n)).map(|n| n as usize);
        let pair = match self.get(key) {
            None => Some(default),
            Some(Value::Array(items)) => match items.as_slice() {
                [a, b] => extent(a).zip(extent(b)).map(|(a, b)| [a, b]),
                _ => None,
            },
            Some(value) => extent(value).map(|n| [n, n]),
        };
        pair.ok_or_else(|| self.unfit(key, "one or two numbers of 1 to 4096"))
    }

    /// Rows and columns to add: top, left, bottom, right; one number for all or `[[top, bottom], [left, right]]`.
    pub fn around(&self, key: &str) -> Result<[usize; 4], Error> {
        let extent = |value: &Value| value.as_u64().filter(|n| *n <= MAX_EXTENT).map(|n| n as usize);
        let two = |value: &Value| match value.as_array().map(Vec::as_slice) {
            Some([a, b]) => extent(a).zip(extent(b)),
            Some(_) => None,
            None => extent(value).map(|n| (n, n)),
        };
        let sides = match self.get(key) {
            Some(Value::Array(items)) if items.len() == 2 => two(&items[0]).zip(two(&items[1])),
            Some(value) => two(value).map(|both| (both, both)),
            None => None,
        };
        let sides = sides.ok_or_else(|| self.unfit(key, "[[top, bottom], [left, right]], each 0 to 4096"))?;
        let ((top, bottom), (left, right)) = sides;
        Ok([top, left, bottom, right])
    }

    /// Whether the padding is "same" (and not "valid").
    pub fn is_same(&self) -> Result<bool, Error> {
        match self.text("padding", "valid")? {
            "same" => Ok(true),
            "valid" => Ok(false),
            _ => Err(self.unfit("padding", "\"same\" or \"valid\"")),
        }
    }

    /// Refuses maps that hold their channels first: TensorFlow's networks on the CPU and all of SLEAP's hold them last.
    pub fn ensure_channels_last(&self) -> Result<(), Error> {
        match self.text("data_format", "channels_last")? {
            "channels_last" => Ok(()),
            _ => Err(self.unfit("data_format", "\"channels_last\"")),
        }
    }

    /// Refuses all values but one of a setting; a file without the setting has that value.
    pub fn ensure_is(&self, key: &str, expected: u64) -> Result<(), Error> {
        let value = self.get(key).map_or(Some(expected), Value::as_u64);
        if value == Some(expected) { Ok(()) } else { Err(self.unfit(key, &expected.to_string())) }
    }
}
