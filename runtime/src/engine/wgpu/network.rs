//! The engine behind the common interface.

use super::frames::{CpuPart, FrameProgram, READ_WORDS, WgpuFrames};
use super::gpu::{Gpu, failure};
use super::lower::{lower, lower_to_maps};
use super::prepared::Prepared;
use super::program::Program;
use crate::bundle::NetworkBytes;
use crate::engine::cpu::CpuNetwork;
use crate::engine::network::{Engine, Network, OutputSpec};
use crate::engine::{Backend, CropRoute, DecodePlan, FrameEngine, FrameStage, PipelineCacheReport, Precision};
use crate::error::{Error, Text};
use crate::graph::{Graph, Shape, Shapes, ValueId};
use crate::preprocess::{InputShape, Preprocessor};
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;

/// A network that this engine knows all operators of.
pub struct WgpuNetwork {
    graph: Graph<'static>,
    /// What the outputs must be; empty if they may be anything.
    specs: Vec<OutputSpec>,
    outputs: Vec<ValueId>,
    gpu: Gpu,
    precision: Precision,
    route: Route,
}

/// Who does what of a whole frame.
struct Route {
    /// The first stage on the GPU.
    from: FrameStage,
    /// The network on the CPU, if that is its stage.
    on_cpu: Option<CpuNetwork>,
}

impl WgpuNetwork {
    /// Reads an ONNX file.
    ///
    /// # Errors
    /// Those of [`Graph::from_onnx`]; [`Error::Engine`] if it does not have exactly one input of numbers or lacks a specified
    /// output.
    pub fn load(gpu: &Gpu, onnx: &[u8], outputs: Vec<OutputSpec>) -> Result<Self, Error> {
        Self::load_from(gpu, onnx, outputs, FrameStage::default())
    }

    /// As [`load`](Self::load); of whole frames the CPU does the stages before `from`, to find which of them differs.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_from(gpu: &Gpu, onnx: &[u8], outputs: Vec<OutputSpec>, from: FrameStage) -> Result<Self, Error> {
        let on_cpu = (from > FrameStage::Network).then(|| CpuNetwork::load(onnx, outputs.clone(), 1)).transpose()?;
        let graph = read(onnx)?;
        let find = |spec: &OutputSpec| graph.outputs().iter().find(|port| port.name == spec.name).map(|port| port.value);
        let values = outputs.iter().map(find).collect::<Option<Vec<_>>>();
        let values = values.ok_or_else(|| failure("read the network", "it lacks an output that the configuration names"))?;
        Ok(Self {
            graph,
            specs: outputs,
            outputs: values,
            gpu: gpu.clone(),
            precision: Precision::Single,
            route: Route { from, on_cpu },
        })
    }

    /// Reads an ONNX file and gives out all its outputs in the file's order, whatever their shapes.
    ///
    /// # Errors
    /// Those of [`Graph::from_onnx`]; [`Error::Engine`] if it does not have exactly one input of numbers.
    pub fn load_whole(gpu: &Gpu, onnx: &[u8]) -> Result<Self, Error> {
        let graph = read(onnx)?;
        let outputs = graph.outputs().iter().map(|port| port.value).collect();
        Ok(Self {
            graph,
            specs: Vec::new(),
            outputs,
            gpu: gpu.clone(),
            precision: Precision::Single,
            route: Route { from: FrameStage::default(), on_cpu: None },
        })
    }

    /// Keeps maps and weights that way.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device does not have it.
    pub fn with_precision(self, precision: Precision) -> Result<Self, Error> {
        self.gpu.check_precision(precision)?;
        Ok(Self { precision, ..self })
    }

    /// As [`Network::prepare`], with the engine's own type.
    ///
    /// # Errors
    /// As [`Network::prepare`], and [`Error::Gpu`] if the device is too small.
    pub fn prepare_wgpu(&self, input: InputShape, images: usize) -> Result<WgpuEngine, Error> {
        let shapes = self.shapes(input)?;
        let images = images.max(1);
        let program = lower(&self.graph, &shapes, &self.outputs, images, self.precision)?;
        let prepared = Prepared::new(&self.gpu.live()?, &program, images, program.result_bytes, 1)?;
        let results = vec![0.0; (program.result_bytes / 4) as usize];
        Ok(WgpuEngine { program, prepared, results, input, images, done: 0 })
    }

    /// As [`Network::prepare_frames`], with the engine's own type; `None` if the plan needs more memory than it is worth.
    ///
    /// # Errors
    /// As [`Network::prepare_frames`], and [`Error::Gpu`] if the device is too small.
    pub fn prepare_whole(&self, preprocessor: &Preprocessor, plan: &DecodePlan) -> Result<Option<WgpuFrames>, Error> {
        let shapes = self.shapes(preprocessor.shape())?;
        let (program, places) = lower_to_maps(&self.graph, &shapes, &self.outputs, 1, self.precision)?;
        let Some(frames) = FrameProgram::new(program, &places, preprocessor, plan)? else { return Ok(None) };
        let cpu = CpuPart::new(self.route.from, self.route.on_cpu.as_ref(), preprocessor, plan, places)?;
        WgpuFrames::new(&self.gpu.live()?, frames, preprocessor, None, cpu).map(Some)
    }

    /// As [`Network::prepare_crops`], with the engine's own types; `None` if the plans need more memory than they are worth.
    ///
    /// # Errors
    /// As [`Network::prepare_crops`], and [`Error::Gpu`] if the device is too small.
    pub fn prepare_with_crops(
        &self,
        preprocessor: &Preprocessor,
        plan: &DecodePlan,
        other: &Self,
        crops: &CropRoute<'_>,
    ) -> Result<Option<WgpuFrames>, Error> {
        let shapes = self.shapes(preprocessor.shape())?;
        let (program, places) = lower_to_maps(&self.graph, &shapes, &self.outputs, 1, self.precision)?;
        let Some(frames) = FrameProgram::new(program, &places, preprocessor, plan)? else { return Ok(None) };
        let other_shapes = other.shapes(crops.sampler.shape())?;
        let (second, other_places) =
            lower_to_maps(&other.graph, &other_shapes, &other.outputs, crops.plan.max_crops, other.precision)?;
        let frames = frames.with_crops((second, &other_places), preprocessor, crops, READ_WORDS)?;
        let Some(frames) = frames else { return Ok(None) };
        let cpu = CpuPart::new(self.route.from, self.route.on_cpu.as_ref(), preprocessor, plan, places)?;
        WgpuFrames::new(&self.gpu.live()?, frames, preprocessor, Some(crops.sampler), cpu).map(Some)
    }

    /// The shapes of all maps; refuses outputs that are not as specified.
    fn shapes(&self, input: InputShape) -> Result<Shapes, Error> {
        let shapes = self.graph.shapes(&[batch_of_one(input)])?;
        for (spec, value) in self.specs.iter().zip(&self.outputs) {
            let (expected, got) = (spec.shape(input), shapes.of(*value).sides());
            if got != [1, expected[0], expected[1], expected[2]] {
                let expected = [1, expected[0], expected[1], expected[2]].map(|n| n as u32);
                return Err(Error::OutputShape { output: Text::new(&spec.name), expected, got: got.map(|n| n as u32) });
            }
        }
        Ok(shapes)
    }
}

impl Program {
    /// What this engine would run for a network, one image and all outputs; no GPU is needed.
    ///
    /// # Errors
    /// Those of [`Graph::from_onnx`] and [`Graph::shapes`]; [`Error::NetworkNode`] for what the engine does not do.
    pub fn from_onnx(onnx: &[u8], input: InputShape, precision: Precision) -> Result<Self, Error> {
        let graph = read(onnx)?;
        let shapes = graph.shapes(&[batch_of_one(input)])?;
        let outputs: Vec<_> = graph.outputs().iter().map(|port| port.value).collect();
        lower(&graph, &shapes, &outputs, 1, precision)
    }
}

impl Network for WgpuNetwork {
    fn backend(&self) -> Backend {
        Backend::Wgpu
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn pipeline_cache(&self) -> Option<PipelineCacheReport> {
        self.gpu.pipeline_cache()
    }

    fn prepare(&self, input: InputShape, images: usize) -> Result<Box<dyn Engine>, Error> {
        Ok(Box::new(self.prepare_wgpu(input, images)?))
    }

    fn load_beside(&self, onnx: &NetworkBytes, outputs: &[OutputSpec]) -> Result<Option<Box<dyn Network>>, Error> {
        let network = Self::load_from(&self.gpu, onnx, outputs.to_vec(), self.route.from)?;
        Ok(Some(Box::new(network.with_precision(self.precision)?)))
    }

    fn prepare_frames(&self, preprocessor: &Preprocessor, plan: &DecodePlan) -> Result<Option<Box<dyn FrameEngine>>, Error> {
        let frames = self.prepare_whole(preprocessor, plan)?;
        Ok(frames.map(|frames| Box::new(frames) as Box<dyn FrameEngine>))
    }

    fn prepare_crops(
        &self,
        preprocessor: &Preprocessor,
        plan: &DecodePlan,
        crops: &CropRoute<'_>,
    ) -> Result<Option<Box<dyn FrameEngine>>, Error> {
        let other: &dyn Any = crops.network;
        let Some(other) = other.downcast_ref::<Self>() else { return Ok(None) };
        let frames = self.prepare_with_crops(preprocessor, plan, other, crops)?;
        Ok(frames.map(|frames| Box::new(frames) as Box<dyn FrameEngine>))
    }
}

/// A network prepared for one size on the GPU.
pub struct WgpuEngine {
    program: Program,
    prepared: Prepared,
    results: Vec<f32>,
    input: InputShape,
    images: usize,
    /// Images of the latest run.
    done: usize,
}

impl WgpuEngine {
    /// What it runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Runs the images of the latest run again and gives the milliseconds of each dispatch by the device's clock; `None` if the
    /// adapter has no timestamps, or before the first run. Each dispatch waits for the one before it, so that the sum may exceed a
    /// frame's.
    ///
    /// # Errors
    /// [`Error::Engine`] if the driver fails or the device was lost.
    pub fn time_dispatches(&mut self) -> Result<Option<Vec<f64>>, Error> {
        if self.done == 0 { Ok(None) } else { self.prepared.time_dispatches(self.done) }
    }
}

impl Engine for WgpuEngine {
    fn run(&mut self, input: &[f32], images: usize) -> Result<(), Error> {
        self.done = 0;
        if images == 0 || images > self.images || input.len() != images * self.input.len() {
            return Err(failure("run the network", "the input does not fill the number of images it was prepared for"));
        }
        let ran = self.prepared.run(input, images, &mut self.results);
        if ran.is_err() && self.prepared.is_lost() {
            // Once: a device that is lost again at once is broken.
            let (gpu, bytes) = (self.prepared.gpu.live()?, self.program.result_bytes);
            self.prepared = Prepared::new(&gpu, &self.program, self.images, bytes, 1)?;
            self.prepared.run(input, images, &mut self.results)?;
        } else {
            ran?;
        }
        self.done = images;
        Ok(())
    }

    fn output(&self, index: usize, image: usize) -> Option<Maps<'_>> {
        let place = self.program.outputs.get(index).filter(|_| image < self.done)?;
        let [channels, height, width] = place.sides;
        let start = place.offset + image * place.image;
        Maps::new(self.results.get(start..start + place.image)?, channels, height, width)
    }
}

fn batch_of_one(input: InputShape) -> Shape {
    let InputShape { channels, height, width } = input;
    Shape { batch: 1, channels, height, width }
}

fn read(onnx: &[u8]) -> Result<Graph<'static>, Error> {
    let graph = Graph::from_onnx(onnx)?.optimized().into_owned();
    match graph.inputs() {
        [port] if !port.form.bytes => Ok(graph),
        // Images come as numbers 0 to 1: such a network would scale them a second time.
        [_] => Err(failure("read the network", "its input is bytes; it must be numbers 0 to 1")),
        _ => Err(failure("read the network", "the network must have exactly one input")),
    }
}
