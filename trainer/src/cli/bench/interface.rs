//! What a network takes and gives, also where only tract knows its operators.

use anyhow::{Context as _, bail};
use dormouse::engine::OutputSpec;
use dormouse::graph::{Graph, Shape};
use dormouse::preprocess::InputShape;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tract_onnx::pb::{self, tensor_shape_proto::dimension::Value as Dim, type_proto::Value as Type};
use tract_onnx::prelude::*;

/// Channels of the only input; 1 where the file leaves them open.
pub(in crate::cli) fn input_channels(onnx: &[u8]) -> anyhow::Result<usize> {
    let own = match Graph::from_onnx(onnx) {
        Ok(graph) => {
            let [port] = graph.inputs() else {
                bail!("the network must have exactly one input, it has {}", graph.inputs().len())
            };
            return Ok(port.form.channels.unwrap_or(1));
        }
        Err(error) => error,
    };
    // tract may know operators that the graph reader does not; a file that is no network is no network for it either.
    stated_channels(onnx).ok_or(own).context("the network cannot be read")
}

/// Channels by the file's own description of its input.
fn stated_channels(onnx: &[u8]) -> Option<usize> {
    let graph = tract_onnx::onnx().proto_model_for_read(&mut &*onnx).ok()?.graph?;
    let is_weight = |name: &str| graph.initializer.iter().any(|weight| weight.name == name);
    let mut inputs = graph.input.iter().filter(|input| !is_weight(&input.name));
    let (Some(input), None) = (inputs.next(), inputs.next()) else { return None };
    let Some(Type::TensorType(pb::type_proto::Tensor { shape: Some(shape), .. })) = input.r#type.as_ref()?.value.as_ref() else {
        return None;
    };
    match shape.dim.get(1)?.value {
        Some(Dim::DimValue(channels)) => usize::try_from(channels).ok().filter(|channels| *channels > 0),
        _ => Some(1),
    }
}

/// What tract must be told about the outputs.
pub(super) fn output_specs(onnx: &[u8], input: InputShape) -> anyhow::Result<Vec<OutputSpec>> {
    let Ok(graph) = Graph::from_onnx(onnx) else { return tract_specs(onnx, input) };
    let shapes = graph.shapes(&[Shape::new([1, input.channels, input.height, input.width])])?;
    let spec = |port: &dormouse::graph::Port| spec(&port.name, input, shapes.of(port.value).sides());
    Ok(graph.outputs().iter().map(spec).collect())
}

/// The outputs' shapes as tract finds them.
fn tract_specs(onnx: &[u8], input: InputShape) -> anyhow::Result<Vec<OutputSpec>> {
    let find = || -> TractResult<Vec<OutputSpec>> {
        let proto = tract_onnx::onnx().proto_model_for_read(&mut &*onnx)?;
        let names: Vec<String> = proto.graph.iter().flat_map(|g| &g.output).map(|output| output.name.clone()).collect();
        let shape = [1, input.channels, input.height, input.width];
        let mut model = tract_onnx::onnx().parse(&proto, None)?.model.with_input_fact(0, f32::fact(shape).into())?;
        for index in 0..model.outputs.len() {
            // The file's symbolic output sizes would contradict the concrete input.
            model.set_output_fact(index, InferenceFact::default())?;
        }
        let model = model.into_typed()?;
        let of_output = |(index, name): (usize, &String)| {
            let shape = &model.output_fact(index)?.shape;
            let sides = shape.as_concrete().and_then(|sides| <[usize; 4]>::try_from(sides).ok());
            let sides = sides.filter(|sides| !sides.contains(&0));
            Ok(spec(name, input, sides.with_context(|| format!("output {name} has the shape {shape:?}, not that of maps"))?))
        };
        names.iter().enumerate().map(of_output).collect()
    };
    // Hostile graphs can make tract panic.
    catch_unwind(AssertUnwindSafe(find)).unwrap_or_else(|_| bail!("tract panicked on this network"))
}

fn spec(name: &str, input: InputShape, [_, channels, height, width]: [usize; 4]) -> OutputSpec {
    let stride_px = (height > 1 || width > 1).then(|| (input.height / height).max(1));
    OutputSpec { name: name.to_owned(), channels, stride_px }
}
