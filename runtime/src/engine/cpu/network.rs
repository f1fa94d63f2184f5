//! The engine behind the common interface.

use super::isa::Isa;
use super::lower::lower;
use super::memory::Memory;
use super::plan::{Plan, StepInfo};
use super::workers::Workers;
use crate::bundle::NetworkBytes;
use crate::engine::Backend;
use crate::engine::network::{Engine, Network, OutputSpec};
use crate::error::{Error, Text};
use crate::graph::{Graph, MemoryPlan, Shape, ValueId};
use crate::preprocess::InputShape;
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Numbers in a cache line.
const LINE: usize = 16;

/// A network that this engine knows all operators of. It is read from its bytes again for every size, so that its weights are in
/// memory only there and, packed, in what was prepared.
pub struct CpuNetwork {
    onnx: NetworkBytes,
    /// What the outputs must be; `None` for all of the file, whatever they are.
    specs: Option<Vec<OutputSpec>>,
    channels: Option<usize>,
    threads: usize,
    isa: Isa,
}

impl CpuNetwork {
    /// Reads an ONNX file; `threads` is at least 1.
    ///
    /// # Errors
    /// Those of [`Graph::from_onnx`]; [`Error::Engine`] if it does not have exactly one input of numbers or lacks a specified
    /// output.
    pub fn load(onnx: impl Into<NetworkBytes>, outputs: Vec<OutputSpec>, threads: usize) -> Result<Self, Error> {
        Self::checked(onnx.into(), Some(outputs), threads)
    }

    /// Reads an ONNX file and gives out all its outputs in the file's order, whatever their shapes.
    ///
    /// # Errors
    /// Those of [`Graph::from_onnx`]; [`Error::Engine`] if it does not have exactly one input of numbers.
    pub fn load_whole(onnx: impl Into<NetworkBytes>, threads: usize) -> Result<Self, Error> {
        Self::checked(onnx.into(), None, threads)
    }

    fn checked(onnx: NetworkBytes, specs: Option<Vec<OutputSpec>>, threads: usize) -> Result<Self, Error> {
        let graph = read(&onnx)?;
        values(&graph, specs.as_deref())?;
        let channels = graph.inputs().first().and_then(|port| port.form.channels);
        Ok(Self { onnx, specs, channels, threads, isa: Isa::best() })
    }

    /// Channels of the input, if the file names them.
    pub fn input_channels(&self) -> Option<usize> {
        self.channels
    }

    /// The same network with other instructions than the best of this machine.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// As [`Network::prepare`], with the engine's own type.
    ///
    /// # Errors
    /// As [`Network::prepare`].
    pub fn prepare_cpu(&self, input: InputShape, images: usize) -> Result<CpuEngine, Error> {
        let InputShape { channels, height, width } = input;
        let graph = read(&self.onnx)?;
        let outputs = values(&graph, self.specs.as_deref())?;
        let shapes = graph.shapes(&[Shape { batch: 1, channels, height, width }])?;
        for (spec, value) in self.specs.iter().flatten().zip(&outputs) {
            let (expected, got) = (spec.shape(input), shapes.of(*value).sides());
            if got != [1, expected[0], expected[1], expected[2]] {
                let expected = [1, expected[0], expected[1], expected[2]].map(|n| n as u32);
                return Err(Error::OutputShape { output: Text::new(&spec.name), expected, got: got.map(|n| n as u32) });
            }
        }
        let images = images.max(1);
        let workers = Workers::new(self.threads);
        let mut plan = lower(&graph, &shapes, &outputs, (self.isa, workers.count(), images))?;
        let scratch = plan.add_scratch(workers.count())?;
        let arena = zeros(plan.memory.peak_bytes() / size_of::<f32>() + LINE)?;
        Ok(CpuEngine { plan, arena, scratch, workers, input, images, done: 0, isa: self.isa })
    }
}

impl Network for CpuNetwork {
    fn backend(&self) -> Backend {
        Backend::Cpu
    }

    fn prepare(&self, input: InputShape, images: usize) -> Result<Box<dyn Engine>, Error> {
        Ok(Box::new(self.prepare_cpu(input, images)?))
    }
}

/// A network prepared for one size: nothing is allocated from here on.
pub struct CpuEngine {
    plan: Plan,
    /// Maps, outputs, scratch, and the room to begin at a cache line.
    arena: Vec<f32>,
    scratch: [usize; 2],
    workers: Workers,
    input: InputShape,
    images: usize,
    /// Images of the latest run.
    done: usize,
    isa: Isa,
}

impl CpuEngine {
    /// Instructions in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Threads in use, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.count()
    }

    /// The steps, in order.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = StepInfo<'_>> {
        self.plan.infos()
    }

    /// Where maps, outputs and scratch lie, and during which steps.
    pub fn memory_plan(&self) -> &MemoryPlan {
        &self.plan.memory
    }

    /// Bytes of maps, scratch and outputs: all that a run writes.
    pub fn arena_bytes(&self) -> usize {
        self.plan.memory.peak_bytes()
    }

    /// Bytes of packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.plan.weight_bytes()
    }

    /// As [`Engine::run`], telling `observe` the index of each step that is done (for every image).
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run_observed(&mut self, input: &[f32], images: usize, observe: &mut dyn FnMut(usize)) -> Result<(), Error> {
        self.done = 0;
        if images == 0 || images > self.images || input.len() != images * self.input.len() {
            return Err(failure("run the network", "the input does not fill the number of images it was prepared for"));
        }
        let skip = self.skip();
        for (index, image) in input.chunks_exact(self.input.len()).enumerate() {
            let memory = Memory::new(&mut self.arena[skip..], image, index, self.scratch);
            self.plan.run(memory, &mut self.workers, observe);
        }
        self.done = images;
        Ok(())
    }

    /// Numbers before the first whole cache line.
    fn skip(&self) -> usize {
        self.arena.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE)
    }
}

impl Engine for CpuEngine {
    fn run(&mut self, input: &[f32], images: usize) -> Result<(), Error> {
        self.run_observed(input, images, &mut |_| {})
    }

    fn output(&self, index: usize, image: usize) -> Option<Maps<'_>> {
        let place = self.plan.outputs.get(index).filter(|_| image < self.done)?;
        let [channels, height, width] = place.sides;
        let len = channels * height * width;
        let start = self.skip() + place.offset + image * len;
        Maps::new(self.arena.get(start..start + len)?, channels, height, width)
    }
}

/// So many zeros, or an error where the system does not give the memory. They are written here and not left to the system, so that
/// the first frame does not wait for its pages.
fn zeros(count: usize) -> Result<Vec<f32>, Error> {
    let mut zeros = Vec::new();
    if zeros.try_reserve_exact(count).is_err() {
        let megabytes = (count * size_of::<f32>()) as f64 / 1e6;
        return Err(failure("prepare the network", &alloc::format!("there is no memory for {megabytes:.1} MB of maps")));
    }
    zeros.resize(count, 0.0);
    Ok(zeros)
}

/// The outputs that are wanted.
fn values(graph: &Graph<'_>, specs: Option<&[OutputSpec]>) -> Result<Vec<ValueId>, Error> {
    let Some(specs) = specs else { return Ok(graph.outputs().iter().map(|port| port.value).collect()) };
    let find = |spec: &OutputSpec| graph.outputs().iter().find(|port| port.name == spec.name).map(|port| port.value);
    let values = specs.iter().map(find).collect::<Option<Vec<_>>>();
    values.ok_or_else(|| failure("read the network", "it lacks an output that the configuration names"))
}

fn read(onnx: &[u8]) -> Result<Graph<'_>, Error> {
    let graph = Graph::from_onnx(onnx)?.optimized();
    match graph.inputs() {
        [port] if !port.form.bytes => Ok(graph),
        // Images come as numbers 0 to 1: such a network would scale them a second time.
        [_] => Err(failure("read the network", "its input is bytes; it must be numbers 0 to 1")),
        _ => Err(failure("read the network", "the network must have exactly one input")),
    }
}

fn failure(action: &'static str, detail: &str) -> Error {
    Error::Engine { engine: "cpu", action, detail: Text::new(detail) }
}
