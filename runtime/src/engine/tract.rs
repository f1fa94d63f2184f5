//! tract on the CPU: the oracle of whole networks and the engine for graphs that no engine of ours knows.
//!
//! Plans are specialised to one concrete size: symbolic sizes were measured 3.6 times slower.

use super::Backend;
use super::network::{Engine, Network, OutputSpec};
use crate::error::{Error, Text};
use crate::preprocess::InputShape;
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tract_linalg::multithread::Executor;
use tract_onnx::pb::{self, tensor_proto::DataLocation};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::runtime::RunOptions;

/// A parsed ONNX model.
pub(super) struct TractNetwork {
    model: InferenceModel,
    outputs: Vec<OutputSpec>,
    executor: Executor,
}

impl TractNetwork {
    /// Parses ONNX bytes; external data is refused, and so is a graph without the specified outputs.
    pub fn load(onnx: &[u8], outputs: Vec<OutputSpec>, threads: usize) -> Result<Self, Error> {
        let model = guarded("read the network", || {
            let framework = tract_onnx::onnx();
            let proto = framework.proto_model_for_read(&mut &*onnx)?;
            refuse_external_data(&proto)?;
            let mut model = framework.parse(&proto, None)?.model;
            anyhow_ensure(model.inputs.len() == 1, "the network must have exactly one input")?;
            model.select_outputs_by_name(outputs.iter().map(|o| &o.name))?;
            Ok(model)
        })?;
        let executor = if threads > 1 { Executor::multithread(threads) } else { Executor::SingleThread };
        Ok(Self { model, outputs, executor })
    }
}

impl Network for TractNetwork {
    fn backend(&self) -> Backend {
        Backend::Tract
    }

    fn prepare(&self, input: InputShape) -> Result<Box<dyn Engine>, Error> {
        let shape = [1, input.channels, input.height, input.width];
        let plan = guarded("prepare the network", || {
            let mut model = self.model.clone().with_input_fact(0, f32::fact(shape).into())?;
            for index in 0..self.outputs.len() {
                // The file's symbolic output sizes would contradict the concrete input.
                model.set_output_fact(index, InferenceFact::default())?;
            }
            let options = RunOptions { executor: Some(self.executor.clone()), ..RunOptions::default() };
            TypedSimplePlan::new_with_options(model.into_optimized()?, &options)
        })?;
        let output_shapes: Vec<[usize; 4]> = self.outputs.iter().map(|o| o.shape(input)).collect();
        for (index, (spec, &expected)) in self.outputs.iter().zip(&output_shapes).enumerate() {
            let fact = plan.model().output_fact(index).map_err(|e| failure("prepare the network", &e))?;
            let concrete: Vec<usize> = fact.shape.as_concrete().map(<[usize]>::to_vec).unwrap_or_default();
            if concrete != expected {
                return Err(Error::OutputShape {
                    output: Text::new(&spec.name),
                    expected: expected.map(|n| n as u32),
                    got: four(&concrete),
                });
            }
        }
        Ok(Box::new(TractEngine { plan, shape, output_shapes, results: TVec::new() }))
    }
}

/// A plan for one input size and the outputs of its latest run.
struct TractEngine {
    plan: Arc<TypedSimplePlan>,
    shape: [usize; 4],
    output_shapes: Vec<[usize; 4]>,
    results: TVec<TValue>,
}

impl Engine for TractEngine {
    fn run(&mut self, input: &[f32]) -> Result<(), Error> {
        let (plan, shape) = (&self.plan, &self.shape);
        self.results = guarded("run the network", || plan.run(tvec!(Tensor::from_shape(shape, input)?.into())))?;
        Ok(())
    }

    fn output(&self, index: usize) -> Option<Maps<'_>> {
        let &[_, channels, height, width] = self.output_shapes.get(index)?;
        let data = self.results.get(index)?.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?;
        Maps::new(data, channels, height, width)
    }
}

fn refuse_external_data(proto: &pb::ModelProto) -> TractResult<()> {
    let initializers = proto.graph.iter().flat_map(|g| &g.initializer);
    let external = initializers.into_iter().any(|t| t.data_location == Some(DataLocation::External as i32));
    anyhow_ensure(!external, "weights in external files are not allowed in a bundle")
}

fn anyhow_ensure(condition: bool, message: &'static str) -> TractResult<()> {
    if condition { Ok(()) } else { Err(TractError::msg(message)) }
}

/// Runs tract code on outside data: its errors become ours, and so does a panic, which hostile graphs can provoke.
fn guarded<T>(action: &'static str, work: impl FnOnce() -> TractResult<T>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|e| failure(action, &e)),
        Err(_) => Err(Error::Engine { engine: "tract", action, detail: Text::new("it panicked on this network") }),
    }
}

fn failure(action: &'static str, error: &TractError) -> Error {
    // The innermost cause is the one that tells something; the outer ones repeat node names.
    let detail = error.chain().last().map_or_else(|| error.to_string(), ToString::to_string);
    Error::Engine { engine: "tract", action, detail: Text::new(&detail) }
}

fn four(shape: &[usize]) -> [u32; 4] {
    core::array::from_fn(|i| shape.get(i).map_or(0, |&n| n as u32))
}
