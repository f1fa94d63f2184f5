//! ONNX nodes of layers without weights, and of functions behind layers.

use super::activation::Activation;
use super::layer::Window;
use super::maps::Pads;
use crate::export::proto::{float, int, ints, node, string};
use tract_onnx::pb::{AttributeProto, NodeProto};

/// Kernel, steps, dilation and padding as attributes.
pub(super) fn window_attributes(window: &Window) -> Vec<AttributeProto> {
    let pair = |[a, b]: [usize; 2]| [a as i64, b as i64];
    let mut attributes = vec![ints("kernel_shape", &pair(window.kernel)), ints("strides", &pair(window.stride))];
    if window.dilation != [1, 1] {
        attributes.push(ints("dilations", &pair(window.dilation)));
    }
    match window.pads() {
        Pads::Fixed(pads) => attributes.push(ints("pads", &pads)),
        Pads::SameUpper => attributes.push(string("auto_pad", "SAME_UPPER")),
    }
    attributes
}

/// `output = function(input)`; nothing for the function that changes nothing.
pub(super) fn activate(function: Activation, input: &str, output: &str) -> Vec<NodeProto> {
    let one = |op: &str, attributes| vec![node(op, output, &[input], attributes)];
    match function {
        Activation::Linear => Vec::new(),
        Activation::Relu => one("Relu", Vec::new()),
        Activation::LeakyRelu(slope) => one("LeakyRelu", vec![float("alpha", slope)]),
        Activation::Sigmoid => one("Sigmoid", Vec::new()),
        Activation::Softmax => one("Softmax", vec![int("axis", 1)]),
        Activation::Swish => {
            let gate = format!("{output}.gate");
            vec![node("Sigmoid", &gate, &[input], Vec::new()), node("Mul", output, &[input, &gate], Vec::new())]
        }
        Activation::ReluUpTo(_) => {
            let (low, high) = bounds(output);
            vec![node("Clip", output, &[input, &low, &high], Vec::new())]
        }
    }
}

/// Names of the two bounds of a clipped result.
pub(super) fn bounds(output: &str) -> (String, String) {
    (format!("{output}.low"), format!("{output}.high"))
}

/// TensorFlow's enlarging: nearest repeats each cell, bilinear lays pixel centres on half pixels and repeats the edge.
pub(super) fn resize_attributes(bilinear: bool) -> Vec<AttributeProto> {
    if bilinear {
        return vec![string("mode", "linear"), string("coordinate_transformation_mode", "half_pixel")];
    }
    let (place, round) = (string("coordinate_transformation_mode", "asymmetric"), string("nearest_mode", "floor"));
    vec![string("mode", "nearest"), place, round]
}
