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

    fn prepare(&self, input: InputShape, images: usize) -> Result<Box<dyn Engine>, Error> {
        // Plans hold a fixed number of images: powers of two put together any number without computing one in vain.
        let sizes = (0..usize::BITS).map(|bit| 1usize << bit).take_while(|&size| size <= images.max(1));
        let mut plans = sizes.map(|size| self.plan(input, size)).collect::<Result<Vec<_>, _>>()?;
        plans.reverse();
        let outputs = self.outputs.iter().map(|o| o.shape(input)).collect();
        Ok(Box::new(TractEngine { plans, input, images: images.max(1), outputs, results: Vec::new() }))
    }
}

impl TractNetwork {
    /// A plan for exactly `images` images.
    fn plan(&self, input: InputShape, images: usize) -> Result<SizedPlan, Error> {
        let shape = [images, input.channels, input.height, input.width];
        let plan = guarded("prepare the network", || {
            let mut model = self.model.clone().with_input_fact(0, f32::fact(shape).into())?;
            for index in 0..self.outputs.len() {
                // The file's symbolic output sizes would contradict the concrete input.
                model.set_output_fact(index, InferenceFact::default())?;
            }
            let options = RunOptions { executor: Some(self.executor.clone()), ..RunOptions::default() };
            TypedSimplePlan::new_with_options(model.into_optimized()?, &options)
        })?;
        for (index, spec) in self.outputs.iter().enumerate() {
            let [channels, height, width] = spec.shape(input);
            let expected = [images, channels, height, width];
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
        Ok(SizedPlan { images, plan })
    }
}

/// A plan for a fixed number of images.
struct SizedPlan {
    images: usize,
    plan: Arc<TypedSimplePlan>,
}

/// Plans for one input size, largest first, and the outputs of the latest run.
struct TractEngine {
    plans: Vec<SizedPlan>,
    input: InputShape,
    images: usize,
    outputs: Vec<[usize; 3]>,
    /// Number of images and their outputs, in image order.
    results: Vec<(usize, TVec<TValue>)>,
}

impl Engine for TractEngine {
    fn run(&mut self, input: &[f32], images: usize) -> Result<(), Error> {
        self.results.clear();
        if images == 0 || images > self.images || input.len() != images * self.input.len() {
            let detail = Text::new("the input does not fill the number of images it was prepared for");
            return Err(Error::Engine { engine: "tract", action: "run the network", detail });
        }
        let mut rest = input;
        for SizedPlan { images, plan } in &self.plans {
            let len = images * self.input.len();
            let shape = [*images, self.input.channels, self.input.height, self.input.width];
            while rest.len() >= len {
                let (now, later) = rest.split_at(len);
                rest = later;
                let outputs = guarded("run the network", || plan.run(tvec!(Tensor::from_shape(&shape, now)?.into())))?;
                self.results.push((*images, outputs));
            }
        }
        Ok(())
    }

    fn output(&self, index: usize, image: usize) -> Option<Maps<'_>> {
        let &[channels, height, width] = self.outputs.get(index)?;
        let mut within = image;
        for (images, outputs) in &self.results {
            if within < *images {
                let data = outputs.get(index)?.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?;
                let len = channels * height * width;
                return Maps::new(data.get(within * len..(within + 1) * len)?, channels, height, width);
            }
            within -= images;
        }
        None
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
