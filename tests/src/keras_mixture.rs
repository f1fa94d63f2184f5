//! One small Keras network with a layer of nearly every kind that is read, for comparing engines.

use crate::keras::{KerasBuilder, Weights};
use crate::onnx::numbers;
use serde_json::{Value, json};

/// Largest stride of its maps.
pub const STRIDE_PX: usize = 8;

/// Random weights of these sides.
fn weights(name: &'static str, dims: &[usize], seed: u32) -> Weights {
    let taps: usize = dims[..dims.len() - 1].iter().product();
    let scale = if dims.len() > 1 { (3.0 / taps as f32).sqrt() } else { 0.2 };
    (name, dims.to_vec(), numbers(dims.iter().product(), seed).iter().map(|n| n * scale).collect())
}

/// A builder that knows how many channels each layer gives.
struct Mixture(KerasBuilder, u32);

impl Mixture {
    /// A layer without weights.
    fn plain(self, class: &str, name: &str, config: Value, inputs: &[&str]) -> Self {
        Self(self.0.layer(class, name, config, inputs, vec![]), self.1)
    }

    /// A layer with a kernel of that name and sides, and a bias of as many numbers as it gives channels.
    fn kernel(self, class: &str, name: &str, config: Value, input: &str, kernel: (&'static str, &[usize]), bias: usize) -> Self {
        let all = vec![weights(kernel.0, kernel.1, self.1), weights("bias", &[bias], self.1 + 1)];
        Self(self.0.layer(class, name, config, &[input], all), self.1 + 2)
    }

    /// A convolution with a square kernel.
    fn conv(self, name: &str, input: &str, [size, stride]: [usize; 2], [from, to]: [usize; 2], function: &str) -> Self {
        let config = json!({ "filters": to, "kernel_size": [size, size], "strides": [stride, stride], "padding": "same",
            "activation": function });
        self.kernel("Conv2D", name, config, input, ("kernel", &[size, size, from, to]), to)
    }

    fn norm(self, name: &str, input: &str, channels: usize) -> Self {
        let variance = numbers(channels, self.1).iter().map(|n| 1.0 + 0.5 * n).collect();
        let gain = numbers(channels, self.1 + 1).iter().map(|n| 1.0 + 0.5 * n).collect();
        let all = vec![
            ("gamma", vec![channels], gain),
            weights("beta", &[channels], self.1 + 2),
            weights("moving_mean", &[channels], self.1 + 3),
            ("moving_variance", vec![channels], variance),
        ];
        let config = json!({ "axis": [3], "epsilon": 0.001 });
        Self(self.0.layer("BatchNormalization", name, config, &[input], all), self.1 + 4)
    }
}

/// The network: maps of stride 2 and 4, and a vector of three classes.
pub fn mixture(channels: usize) -> KerasBuilder {
    let separable = |net: Mixture| {
        let config = json!({ "filters": 12, "kernel_size": [3, 3], "padding": "same" });
        let all = vec![
            weights("depthwise_kernel", &[3, 3, 12, 1], 91),
            weights("pointwise_kernel", &[1, 1, 12, 12], 92),
            weights("bias", &[12], 93),
        ];
        Mixture(net.0.layer("SeparableConv2D", "separable", config, &["excite"], all), net.1)
    };
    let transposed = json!({ "filters": 8, "kernel_size": [4, 4], "strides": [2, 2], "padding": "same", "activation": "relu" });
    let depthwise = json!({ "kernel_size": [3, 3], "strides": [2, 2], "padding": "same" });
    let net = Mixture(KerasBuilder::new(channels), 7)
        .conv("stem", "input", [7, 2], [channels, 8], "linear")
        .norm("stem_bn", "stem", 8)
        .plain("ReLU", "stem_relu", json!({ "max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0 }), &["stem_bn"])
        .plain("ZeroPadding2D", "pad", json!({ "padding": [[1, 1], [1, 1]] }), &["stem_relu"])
        .plain("MaxPooling2D", "pool", json!({ "pool_size": [3, 3], "strides": [2, 2], "padding": "valid" }), &["pad"])
        .kernel("DepthwiseConv2D", "depthwise", depthwise, "pool", ("depthwise_kernel", &[3, 3, 8, 1]), 8)
        .conv("expand", "depthwise", [1, 1], [8, 12], "swish")
        .plain("GlobalAveragePooling2D", "squeeze", json!({}), &["expand"])
        .plain("Reshape", "reshape", json!({ "target_shape": [1, 1, 12] }), &["squeeze"])
        .conv("reduce", "reshape", [1, 1], [12, 4], "relu")
        .conv("gate", "reduce", [1, 1], [4, 12], "sigmoid")
        .plain("Multiply", "excite", json!({}), &["expand", "gate"]);
    let net = separable(net)
        .plain("Add", "residual", json!({}), &["separable", "expand"])
        .kernel("Conv2DTranspose", "up4", transposed, "residual", ("kernel", &[4, 4, 8, 12]), 8)
        .plain("Concatenate", "join4", json!({ "axis": -1 }), &["pool", "up4"])
        .conv("fields", "join4", [3, 1], [16, 4], "linear")
        .conv("refine", "join4", [3, 1], [16, 8], "relu")
        .plain("UpSampling2D", "up2", json!({ "size": [2, 2], "interpolation": "bilinear" }), &["refine"])
        .plain("Concatenate", "join2", json!({ "axis": -1 }), &["stem_relu", "up2"])
        .plain("AveragePooling2D", "smooth", json!({ "pool_size": 2, "strides": 1, "padding": "same" }), &["join2"])
        .conv("maps", "smooth", [3, 1], [16, 2], "linear")
        .plain("GlobalMaxPooling2D", "largest", json!({}), &["residual"])
        .plain("Flatten", "flat", json!({}), &["largest"])
        .kernel("Dense", "classes", json!({ "units": 3, "activation": "softmax" }), "flat", ("kernel", &[12, 3]), 3);
    net.0.output("maps").output("fields").output("classes")
}
