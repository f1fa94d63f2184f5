//! The walk over the nodes: which steps there are, what they write, and for how long it is needed.

use super::places::{Buffers, Places, Unplaced};
use crate::engine::cpu::convert::{BlockImage, Unblock};
use crate::engine::cpu::general::{Order, Rearrange};
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::plan::{OutputPlace, Plan, Planned};
use crate::engine::cpu::step::Step;
use crate::engine::cpu::winograd::Scale;
use crate::error::{Error, Text};
use crate::graph::{Graph, Node, Op, Shape, Shapes, ValueId};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// Most channels of an image that convolutions read as planes; more are put in blocks first.
const PLANAR_CHANNELS: usize = 4;

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(super) enum Place<'g> {
    /// The image, as the caller gives it.
    Image,
    /// A map in the arena.
    Map(Unplaced),
    /// Values that are read one behind the other.
    Joined(Vec<ValueId>),
    /// A resize by two that is not made yet, for readers that can do without.
    Doubled(&'g Node, Scale),
    /// Planes of an output, which nothing else reads.
    Planes(usize),
    /// Nowhere: the step that makes it passes it on to its only reader, which is part of the step.
    Inside,
}

/// Makes a step once all buffers have their places.
type Make<'g> = Box<dyn FnOnce(Places<'_>) -> Box<dyn Step> + 'g>;

/// A step that waits for the memory plan.
struct Draft<'g> {
    make: Make<'g>,
    planned: Planned,
}

/// The state of the walk.
pub(super) struct Lowering<'g> {
    pub graph: &'g Graph<'g>,
    pub shapes: &'g Shapes,
    pub isa: Isa,
    pub workers: usize,
    wanted: &'g [ValueId],
    images: usize,
    buffers: Buffers,
    places: Vec<Option<Place<'g>>>,
    /// Readers of each value that are still to come.
    uses: Vec<usize>,
    drafts: Vec<Draft<'g>>,
    /// Node that is being lowered: what the next step is for reports.
    pub node: Planned,
}

/// Turns a graph with one input into steps; `wanted` are the values to be given out, for `images` images.
///
/// # Errors
/// [`Error::NetworkNode`] for what this engine does not do, and those of [`crate::graph::MemoryPlan::new`].
pub(in crate::engine::cpu) fn lower(
    graph: &Graph<'_>,
    shapes: &Shapes,
    wanted: &[ValueId],
    (isa, workers, images): (Isa, usize, usize),
) -> Result<Plan, Error> {
    let mut uses = vec![0; graph.values().len()];
    let read = graph.nodes().iter().flat_map(|n| &n.inputs);
    read.chain(wanted).for_each(|value| uses[value.index()] += 1);
    let places = vec![None; graph.values().len()];
    let (buffers, drafts, node) = (Buffers::default(), Vec::new(), Planned::default());
    let mut lowering = Lowering { graph, shapes, isa, workers, wanted, images, buffers, places, uses, drafts, node };
    let mut outputs: Vec<Option<usize>> = vec![None; wanted.len()];
    lowering.place_image();
    for node in graph.nodes().iter().filter(|n| lowering_needed(graph, n, wanted)) {
        lowering.node = Planned::of(&node.name, node.op.name(), shapes.of(node.output));
        lowering.lower_node(node)?;
        lowering.release_inputs(node);
        for (index, value) in wanted.iter().enumerate().filter(|(_, v)| **v == node.output) {
            outputs[index] = Some(lowering.give_out(*value)?);
        }
    }
    for (index, value) in wanted.iter().enumerate().filter(|(_, v)| graph.inputs().iter().any(|i| i.value == **v)) {
        outputs[index] = Some(lowering.give_out(*value)?);
    }
    let outputs: Option<Vec<usize>> = outputs.into_iter().collect();
    let outputs = outputs.ok_or_else(|| lowering.fault("no step makes one of the outputs"))?;
    let sides = wanted.iter().map(|value| sides(shapes.of(*value))).collect();
    lowering.finish(outputs, sides)
}

/// Whether anything that is wanted depends on the node: passes remove most others.
fn lowering_needed(graph: &Graph<'_>, node: &Node, wanted: &[ValueId]) -> bool {
    wanted.contains(&node.output) || graph.nodes().iter().any(|n| n.inputs.contains(&node.output))
}

/// Channels, height and width.
fn sides(shape: Shape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}

impl<'g> Lowering<'g> {
    /// The image is read in place if only convolutions read it.
    fn place_image(&mut self) {
        let Some(port) = self.graph.inputs().first() else { return };
        let planar = |n: &&Node| !matches!(&n.op, Op::Conv(conv) if conv.groups == 1);
        let others = self.graph.nodes().iter().filter(|n| n.inputs.contains(&port.value)).find(planar);
        let few = self.shapes.of(port.value).channels <= PLANAR_CHANNELS;
        let given_out = self.graph.outputs().iter().any(|o| o.value == port.value);
        self.places[port.value.index()] = Some(Place::Image);
        if others.is_some() || !few || given_out {
            self.node = Planned::of(&port.name, "Input", self.shapes.of(port.value));
            let map = self.make(port.value);
            self.push(move |at| Box::new(BlockImage::new(at.map(map))));
        }
    }

    /// Writes a value into planes that stay until the next run, if no step did; returns their buffer.
    fn give_out(&mut self, value: ValueId) -> Result<usize, Error> {
        if let Some(Place::Planes(planes)) = self.places[value.index()] {
            return Ok(planes);
        }
        let map = self.map(value)?;
        self.node = Planned::of(&self.graph.values()[value.index()].name, "Output", self.shapes.of(value));
        let planes = self.take_planes(value);
        self.push(move |at| Box::new(Unblock::new(at.map(map), at.offset(planes))));
        self.release(value);
        Ok(planes)
    }

    fn take_planes(&mut self, value: ValueId) -> usize {
        let numbers = self.shapes.of(value).numbers();
        // Planes of one image must outlive the runs of the others.
        let first = if self.images == 1 { self.drafts.len() } else { 0 };
        let name = alloc::format!("output {}", self.graph.values()[value.index()].name);
        self.node.written += numbers * size_of::<f32>();
        self.buffers.take(name, self.images * numbers, first)
    }

    /// Planes for a value that is an output and nothing else, to be written by the step that is pushed next.
    pub fn planes(&mut self, value: ValueId) -> Option<Unplaced> {
        let buffer = self.is_only_output(value).then(|| self.take_planes(value))?;
        self.places[value.index()] = Some(Place::Planes(buffer));
        Some(Unplaced::new(buffer, self.sides(value)))
    }

    /// Plans the memory and makes the steps.
    fn finish(mut self, outputs: Vec<usize>, sides: Vec<[usize; 3]>) -> Result<Plan, Error> {
        for buffer in &outputs {
            self.buffers.keep(*buffer, self.drafts.len());
        }
        let memory = self.buffers.plan()?;
        let at = Places(&memory);
        let place = |(buffer, sides): (&usize, [usize; 3])| OutputPlace { offset: at.offset(*buffer), sides };
        let outputs = outputs.iter().zip(sides).map(place).collect();
        let steps = self.drafts.into_iter().map(|draft| (draft.planned, (draft.make)(at))).collect();
        Ok(Plan { steps, outputs, memory })
    }

    /// What is joined or doubled is read when the new value is; all else was read by the steps of the node.
    fn release_inputs(&mut self, node: &Node) {
        if !matches!(self.places[node.output.index()], Some(Place::Joined(_) | Place::Doubled(..))) {
            node.inputs.iter().for_each(|value| self.release(*value));
        }
    }

    /// A map for a value, which is made by the step that is pushed next.
    pub fn make(&mut self, value: ValueId) -> Unplaced {
        let map = self.sides(value);
        let name = self.graph.values()[value.index()].name.clone();
        let map = Unplaced::new(self.buffers.take(name, map.len(), self.drafts.len()), map);
        self.node.written += map.bytes();
        self.places[value.index()] = Some(Place::Map(map));
        map
    }

    /// The map of a value, without a place.
    pub fn sides(&self, value: ValueId) -> Map {
        let Shape { channels, height, width, .. } = self.shapes.of(value);
        Map { offset: 0, channels, height, width, lanes: self.isa.lanes() }
    }

    /// Whether the value has one reader and is no output.
    pub fn is_read_once(&self, value: ValueId) -> bool {
        self.uses[value.index()] == 1 && !self.wanted.contains(&value)
    }

    /// Whether the value is an output that nothing else reads.
    pub fn is_only_output(&self, value: ValueId) -> bool {
        self.uses[value.index()] == 1 && self.wanted.contains(&value)
    }

    /// The step that is pushed next makes the value and its reader's result, which it stores instead.
    pub fn keep_inside(&mut self, value: ValueId) {
        self.places[value.index()] = Some(Place::Inside);
    }

    /// Whether an earlier step has made the value already.
    pub fn is_made(&self, value: ValueId) -> bool {
        self.places[value.index()].is_some()
    }

    /// The map of a value that an earlier step has made.
    pub fn made_map(&self, value: ValueId) -> Option<Unplaced> {
        if let Some(Place::Map(map)) = &self.places[value.index()] { Some(*map) } else { None }
    }

    /// The resize by two that will make a value.
    pub fn doubled_by(&self, value: ValueId) -> Option<&'g Node> {
        if let Some(Place::Doubled(node, _)) = self.places[value.index()] { Some(node) } else { None }
    }

    /// Leaves a resize by two to its readers.
    pub fn double(&mut self, node: &'g Node, scale: Scale) {
        self.places[node.output.index()] = Some(Place::Doubled(node, scale));
    }

    /// Joins values without making a map.
    pub fn join(&mut self, node: &Node) {
        self.places[node.output.index()] = Some(Place::Joined(node.inputs.clone()));
    }

    /// A buffer that the next step writes and [`Self::read_last`] reads for the last time.
    pub fn scratch(&mut self, what: &str, numbers: usize) -> usize {
        let name = alloc::format!("{what} for {}", self.node.node);
        self.node.written += numbers * size_of::<f32>();
        self.buffers.take(name, numbers, self.drafts.len())
    }

    /// The latest step is the last that reads the buffer.
    pub fn read_last(&mut self, buffer: usize) {
        self.buffers.keep(buffer, self.drafts.len().saturating_sub(1));
    }

    /// Appends a step of the present node.
    pub fn push(&mut self, make: impl FnOnce(Places<'_>) -> Box<dyn Step> + 'g) {
        let planned = self.node.clone();
        (self.node.flop, self.node.written) = (0, 0);
        self.drafts.push(Draft { make: Box::new(make), planned });
    }

    /// Operations of the next step, by the operator's definition.
    pub fn count(&mut self, flop: u64) {
        self.node.flop = flop;
    }

    /// Takes the operations over, for a step that comes behind others of the same node.
    pub fn take_count(&mut self) -> u64 {
        core::mem::take(&mut self.node.flop)
    }

    /// Whether the value is the image, not yet in blocks.
    pub fn is_image(&self, value: ValueId) -> bool {
        matches!(self.places[value.index()], Some(Place::Image))
    }

    /// The maps of a value, one behind the other; doubled ones are made.
    pub fn maps(&mut self, value: ValueId) -> Result<Vec<Unplaced>, Error> {
        match self.places[value.index()].clone() {
            Some(Place::Map(map)) => Ok(vec![map]),
            Some(Place::Joined(parts)) => {
                let mut maps = Vec::new();
                for part in parts {
                    maps.extend(self.maps(part)?);
                }
                Ok(maps)
            }
            Some(Place::Doubled(node, _)) => {
                let reader = core::mem::replace(&mut self.node, Planned::of(&node.name, node.op.name(), self.shapes.of(value)));
                let map = self.make_resized(node, (value, None))?;
                self.node = reader;
                self.release(node.inputs[0]);
                Ok(vec![map])
            }
            Some(Place::Image | Place::Planes(_) | Place::Inside) | None => Err(self.fault("it reads a map that no step makes")),
        }
    }

    /// As [`Self::maps`], for readers that double maps themselves.
    pub fn scaled_maps(&mut self, value: ValueId) -> Result<Vec<(Unplaced, Scale)>, Error> {
        match self.places[value.index()].clone() {
            Some(Place::Doubled(node, scale)) => Ok(vec![(self.map(node.inputs[0])?, scale)]),
            Some(Place::Joined(parts)) => {
                let mut maps = Vec::new();
                for part in parts {
                    maps.extend(self.scaled_maps(part)?);
                }
                Ok(maps)
            }
            _ => Ok(self.maps(value)?.into_iter().map(|map| (map, Scale::Same)).collect()),
        }
    }

    /// The value as one map; joined values are copied together the first time.
    pub fn map(&mut self, value: ValueId) -> Result<Unplaced, Error> {
        let maps = self.maps(value)?;
        if let [map] = maps[..] {
            return Ok(map);
        }
        let Some(Place::Joined(parts)) = self.places[value.index()].take() else {
            return Err(self.fault("it reads a map that no step makes"));
        };
        let joined = self.make(value);
        self.push(move |at| Box::new(Rearrange::new(&at.stack(&maps), at.map(joined), Order::Join)));
        parts.into_iter().for_each(|part| self.release(part));
        Ok(joined)
    }

    /// One reader of the value is done: the latest step may be its last.
    pub fn release(&mut self, value: ValueId) {
        let uses = &mut self.uses[value.index()];
        *uses = uses.saturating_sub(1);
        if *uses > 0 {
            return;
        }
        match self.places[value.index()].take() {
            Some(Place::Map(map)) => self.read_last(map.buffer),
            Some(Place::Joined(parts)) => parts.into_iter().for_each(|part| self.release(part)),
            Some(Place::Doubled(node, _)) => self.release(node.inputs[0]),
            Some(Place::Image | Place::Planes(_) | Place::Inside) | None => {}
        }
    }

    /// The present node cannot be lowered.
    pub fn fault(&self, what: &'static str) -> Error {
        Error::NetworkNode { node: Text::new(&self.node.node), what }
    }
}
