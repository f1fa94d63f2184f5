//! Weights of one layer in ONNX's order: channels before rows and columns, results before inputs.

use super::file::KerasFile;
use super::graph::Node;
use crate::error::{Error, Result};
use std::collections::HashMap;

/// Numbers with their sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub dims: Vec<usize>,
    pub data: Vec<f32>,
}

/// A layer's weights by name.
pub(super) struct LayerWeights<'a> {
    file: &'a KerasFile,
    node: &'a Node,
    places: HashMap<String, String>,
}

impl<'a> LayerWeights<'a> {
    pub fn new(file: &'a KerasFile, node: &'a Node) -> Result<Self> {
        Ok(Self { file, node, places: file.weight_places(&node.weights)? })
    }

    /// Numbers as stored, of these sides.
    ///
    /// # Errors
    /// [`Error::Layer`] when the layer has no weights of that name, [`Error::BadFile`] when they are not what they must be.
    pub fn stored(&self, name: &str, sides: &[usize]) -> Result<Vec<f32>> {
        let place = self.places.get(name).ok_or_else(|| Error::Layer {
            path: self.file.path().to_path_buf(),
            layer: self.node.name.clone(),
            class: self.node.class.clone(),
            what: format!("the file has no weights {name:?} for it"),
        })?;
        self.file.floats(place, sides)
    }

    /// One number per channel.
    pub fn vector(&self, name: &str, channels: usize) -> Result<Weights> {
        Ok(Weights { dims: vec![channels], data: self.stored(name, &[channels])? })
    }

    /// The bias, if there is one.
    pub fn bias(&self, has_bias: bool, channels: usize) -> Result<Option<Weights>> {
        has_bias.then(|| self.vector("bias", channels)).transpose()
    }

    /// `[rows, columns, in, out]` as stored to `[out, in, rows, columns]`.
    pub fn kernel(&self, name: &str, [rows, columns]: [usize; 2], inputs: usize, outputs: usize) -> Result<Weights> {
        let stored = self.stored(name, &[rows, columns, inputs, outputs])?;
        Ok(Weights { dims: vec![outputs, inputs, rows, columns], data: turned(&stored, rows * columns, inputs, outputs, false) })
    }

    /// A transposed convolution's `[rows, columns, out, in]` as stored to `[in, out, rows, columns]`.
    pub fn transposed_kernel(&self, [rows, columns]: [usize; 2], inputs: usize, outputs: usize) -> Result<Weights> {
        let stored = self.stored("kernel", &[rows, columns, outputs, inputs])?;
        Ok(Weights { dims: vec![inputs, outputs, rows, columns], data: turned(&stored, rows * columns, outputs, inputs, false) })
    }

    /// `[rows, columns, channels, multiplier]` as stored to `[channels * multiplier, 1, rows, columns]`.
    pub fn depthwise_kernel(&self, [rows, columns]: [usize; 2], channels: usize, multiplier: usize) -> Result<Weights> {
        let stored = self.stored("depthwise_kernel", &[rows, columns, channels, multiplier])?;
        let dims = vec![channels * multiplier, 1, rows, columns];
        Ok(Weights { dims, data: turned(&stored, rows * columns, channels, multiplier, true) })
    }

    /// `[in, out]` as stored to the 1x1 convolution `[out, in, 1, 1]`.
    pub fn dense(&self, inputs: usize, outputs: usize) -> Result<Weights> {
        let stored = self.stored("kernel", &[inputs, outputs])?;
        Ok(Weights { dims: vec![outputs, inputs, 1, 1], data: turned(&stored, 1, inputs, outputs, false) })
    }
}

/// `[taps, a, b]` to `[b, a, taps]`, or to `[a, b, taps]` where `keep` is set.
fn turned(stored: &[f32], taps: usize, a: usize, b: usize, keep: bool) -> Vec<f32> {
    let at = |tap: usize, i: usize, j: usize| stored[(tap * a + i) * b + j];
    let mut out = Vec::with_capacity(stored.len());
    if keep {
        (0..a).for_each(|i| (0..b).for_each(|j| out.extend((0..taps).map(|tap| at(tap, i, j)))));
    } else {
        (0..b).for_each(|j| (0..a).for_each(|i| out.extend((0..taps).map(|tap| at(tap, i, j)))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::turned;

    #[test]
    fn taps_come_last() {
        // Two taps, a = 3, b = 2: number 100 tap + 10 i + j.
        let stored: Vec<f32> =
            (0..2).flat_map(|t| (0..3).flat_map(move |i| (0..2).map(move |j| (100 * t + 10 * i + j) as f32))).collect();
        let turned_over = turned(&stored, 2, 3, 2, false);
        assert_eq!(turned_over, [0., 100., 10., 110., 20., 120., 1., 101., 11., 111., 21., 121.]);
        assert_eq!(turned(&stored, 2, 3, 2, true), [0., 100., 1., 101., 10., 110., 11., 111., 20., 120., 21., 121.]);
    }
}
