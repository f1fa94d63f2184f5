//! What a network costs and sees, read off its ONNX file: known of every bundle, whoever trained it.

use crate::error::Result;
use dormouse::graph::{ConstantId, Graph, Op, ResizeTarget, Shape};

/// Figures of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkFacts {
    graph: Graph<'static>,
}

/// What one cell of a map sees: side of the square and distance of neighbouring cells, in input pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Field {
    side_px: f64,
    step_px: f64,
}

impl NetworkFacts {
    /// Reads a network.
    ///
    /// # Errors
    /// When the file is damaged or has an operator that our own graph reader does not know.
    pub fn of_onnx(onnx: &[u8]) -> Result<Self> {
        Ok(Self { graph: Graph::from_onnx(onnx)?.into_owned() })
    }

    fn len(&self, id: ConstantId) -> usize {
        self.graph.constant(id).data.len()
    }

    /// Weights and biases of convolutions and normalisations.
    pub fn parameters(&self) -> usize {
        let of = |op: &Op| match op {
            Op::Conv(c) => self.len(c.weight) + c.bias.map_or(0, |bias| self.len(bias)),
            Op::ConvTranspose(c) => self.len(c.weight) + c.bias.map_or(0, |bias| self.len(bias)),
            Op::ScaleShift { scale, shift } => self.len(*scale) + self.len(*shift),
            _ => 0,
        };
        self.graph.nodes().iter().map(|node| of(&node.op)).sum()
    }

    /// Floating-point operations of the convolutions for one input `[channels, height, width]`; a multiply-add counts as two.
    ///
    /// # Errors
    /// When the network does not take an input of this shape, or has several inputs.
    pub fn flop(&self, [channels, height, width]: [usize; 3]) -> Result<u64> {
        let shapes = self.graph.shapes(&[Shape::new([1, channels, height, width])])?;
        let cells = |value| {
            let shape = shapes.of(value);
            (shape.height * shape.width) as u64
        };
        let nodes = self.graph.nodes().iter();
        let of = nodes.map(|node| match &node.op {
            Op::Conv(c) => 2 * self.len(c.weight) as u64 * cells(node.output),
            // Every input cell is multiplied with the whole kernel.
            Op::ConvTranspose(c) => 2 * self.len(c.weight) as u64 * node.inputs.first().map_or(0, |&input| cells(input)),
            _ => 0,
        });
        Ok(of.sum())
    }

    /// Side in input pixels of the square that a cell of the coarsest map sees, where that map is first reached. Of a UNet that is
    /// the output of the last pooling, SLEAP's receptive field (reference sleap-training.md, section 6.3): 1 + the sum over layers of
    /// (kernel - 1) times the product of the strides before.
    pub fn receptive_field_px(&self) -> usize {
        let mut fields = vec![Field { side_px: 1.0, step_px: 1.0 }; self.graph.values().len()];
        let (mut coarsest, mut widest) = (Field { side_px: 1.0, step_px: 1.0 }, 1.0_f64);
        for node in self.graph.nodes() {
            let inputs = node.inputs.iter().map(|input| fields[input.index()]);
            let seen = inputs.reduce(|a, b| Field { side_px: a.side_px.max(b.side_px), step_px: a.step_px.max(b.step_px) });
            let field = behind(&node.op, seen.unwrap_or(coarsest));
            fields[node.output.index()] = field;
            widest = widest.max(field.side_px);
            if field.step_px > coarsest.step_px {
                coarsest = field;
            }
        }
        // A network that never makes its maps coarser has no such place: all of it counts.
        if coarsest.step_px > 1.0 { coarsest.side_px as usize } else { widest as usize }
    }
}

/// What a cell behind `op` sees, given what one in front of it sees.
fn behind(op: &Op, seen: Field) -> Field {
    let window = match op {
        Op::Conv(c) => c.window,
        Op::MaxPool(pool) | Op::AveragePool { pool, .. } => pool.window,
        Op::ConvTranspose(c) => return Field { step_px: seen.step_px / c.window.stride[0] as f64, ..seen },
        Op::Resize(resize) => match resize.target {
            ResizeTarget::Scales([vertical, _]) => return Field { step_px: seen.step_px / f64::from(vertical), ..seen },
            ResizeTarget::Sizes(_) => return seen,
        },
        _ => return seen,
    };
    let reach = (window.kernel[0] - 1) * window.dilation[0];
    Field { side_px: seen.side_px + reach as f64 * seen.step_px, step_px: seen.step_px * window.stride[0] as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{metadata, to_onnx};
    use crate::model::{
        Backbone, CompactConfig, HeadSpec, PoseNetConfig, UnetConfig, Upsampling, forward_flops, parameter_count,
        receptive_field_px,
    };
    use burn::tensor::Device;
    use dormouse::config::HeadKind;

    #[test]
    fn the_exported_file_says_what_the_plan_says() {
        let unet = UnetConfig { filters: 4, max_stride: 8, ..UnetConfig::default() };
        let backbones: [Backbone; 3] = [
            unet.clone().into(),
            UnetConfig { max_stride: 16, convs_per_block: 3, upsampling: Upsampling::Transposed, ..unet }.into(),
            CompactConfig { filters: 8, max_stride: 8, ..CompactConfig::default() }.into(),
        ];
        for backbone in backbones {
            let heads = vec![
                HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 3, 2),
                HeadSpec::new(HeadKind::PartAffinityFields, "pafs", 4, 4),
            ];
            let net = PoseNetConfig { in_channels: 1, backbone: backbone.clone(), heads }.init(1, &Device::default()).unwrap();
            let facts = NetworkFacts::of_onnx(&to_onnx(&net, &metadata(&net, "")).unwrap()).unwrap();
            assert_eq!(facts.parameters(), parameter_count(net.plan()));
            assert_eq!(facts.flop([1, 64, 96]).unwrap(), forward_flops(net.plan(), 96, 64));
            assert_eq!(facts.receptive_field_px(), receptive_field_px(&backbone));
            assert!(facts.flop([2, 64, 96]).is_err());
        }
        assert!(NetworkFacts::of_onnx(b"no network").is_err());
    }
}
