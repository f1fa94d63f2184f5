//! Batch normalisation, and factors and summands per channel, as part of the convolution before or behind them.

use crate::graph::limits::MAX_COMPUTED;
use crate::graph::{Activation, Conv, ConvTranspose, Graph, Op, Padding};
use alloc::vec::Vec;

/// Moves every factor and summand per channel into a neighbouring convolution where that changes nothing but rounding.
pub(super) fn fold_scale_shift(graph: &mut Graph<'_>) {
    let mut index = 0;
    // Files that share one weight a thousand times stop here, not when memory is full.
    while index < graph.nodes.len() && graph.computed_numbers() <= 2 * MAX_COMPUTED {
        let folded = into_maker(graph, index).or_else(|| into_reader(graph, index));
        if folded.is_none() {
            index += 1;
        }
    }
}

/// `scale * (w * x + b) + shift = (scale * w) * x + (scale * b + shift)`.
fn into_maker(graph: &mut Graph<'_>, index: usize) -> Option<()> {
    let Op::ScaleShift { scale, shift } = graph.nodes[index].op else { return None };
    let maker = graph.only_for(*graph.nodes[index].inputs.first()?, index)?;
    let (weight, bias, channels, group_out) = match &graph.nodes[maker].op {
        Op::Conv(Conv { weight, bias, activation: Activation::None, .. }) => {
            (*weight, *bias, graph.constant(*weight).dims[0], None)
        }
        Op::ConvTranspose(ConvTranspose { weight, bias, groups, activation: Activation::None, .. }) => {
            let out = graph.constant(*weight).dims[1];
            (*weight, *bias, out * groups, Some((out, graph.constant(*weight).dims[0] / groups)))
        }
        _ => return None,
    };
    let (scale, shift) = (graph.per_channel(scale, channels)?, graph.per_channel(shift, channels)?);
    let old = graph.constant(weight);
    let dims = old.dims.clone();
    let taps = dims[2] * dims[3];
    let out_of = |number: usize| match group_out {
        None => number / (dims[1] * taps),
        Some((out, in_per_group)) => (number / (out * taps)) / in_per_group * out + number / taps % out,
    };
    let weights: Vec<f32> = old.data.iter().enumerate().map(|(i, w)| w * scale[out_of(i)]).collect();
    let bias = bias.map_or_else(|| Some(alloc::vec![0.0; channels]), |b| graph.per_channel(b, channels))?;
    let biases = (0..channels).map(|c| bias[c] * scale[c] + shift[c]).collect();
    let weights = graph.add_constant(dims, weights);
    let biases = graph.add_constant(alloc::vec![channels], biases);
    match &mut graph.nodes[maker].op {
        Op::Conv(conv) => (conv.weight, conv.bias) = (weights, Some(biases)),
        Op::ConvTranspose(conv) => (conv.weight, conv.bias) = (weights, Some(biases)),
        _ => return None,
    }
    graph.merge(maker, index);
    Some(())
}

/// `w * (scale * x + shift) + b = (w * scale) * x + (b + w * shift)`: with padding only where the summands are 0, because the
/// padded zeros are not shifted.
fn into_reader(graph: &mut Graph<'_>, index: usize) -> Option<()> {
    let Op::ScaleShift { scale, shift } = graph.nodes[index].op else { return None };
    let value = graph.nodes[index].output;
    let reader = graph.nodes.iter().position(|n| n.inputs.contains(&value))?;
    (graph.only_for(value, reader)? == index).then_some(())?;
    let Op::Conv(conv) = graph.nodes[reader].op.clone() else { return None };
    let dims = graph.constant(conv.weight).dims.clone();
    let (out, per_group, taps) = (dims[0], dims[1], dims[2] * dims[3]);
    let channels = per_group * conv.groups;
    let (scale, shift) = (graph.per_channel(scale, channels)?, graph.per_channel(shift, channels)?);
    if conv.window.padding != Padding::NONE && shift.iter().any(|s| *s != 0.0) {
        return None;
    }
    let channel = |o: usize, c: usize| o / (out / conv.groups) * per_group + c;
    let old = &graph.constant(conv.weight).data;
    let (mut weights, mut biases) = (Vec::with_capacity(old.len()), Vec::with_capacity(out));
    let bias = conv.bias.map_or_else(|| Some(alloc::vec![0.0; out]), |b| graph.per_channel(b, out))?;
    for (o, bias) in bias.iter().enumerate() {
        let mut sum = f64::from(*bias);
        for c in 0..per_group {
            let start = (o * per_group + c) * taps;
            for w in (start..start + taps).map(|index| old.at(index)) {
                weights.push(w * scale[channel(o, c)]);
                sum += f64::from(w) * f64::from(shift[channel(o, c)]);
            }
        }
        biases.push(sum as f32);
    }
    let weight = graph.add_constant(dims, weights);
    let bias = Some(graph.add_constant(alloc::vec![out], biases));
    let input = graph.nodes[index].inputs.clone();
    graph.nodes[reader].op = Op::Conv(Conv { weight, bias, ..conv });
    graph.nodes[reader].inputs = input;
    graph.nodes.remove(index);
    Some(())
}
