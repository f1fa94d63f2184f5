//! The walk over the nodes: where every map lies, and for how long.

use crate::engine::cpu::arena::Arena;
use crate::engine::cpu::convert::{BlockImage, Unblock};
use crate::engine::cpu::general::{Order, Rearrange};
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::{Map, Stack};
use crate::engine::cpu::plan::{OutputPlace, Plan, Planned};
use crate::engine::cpu::step::Step;
use crate::error::{Error, Text};
use crate::graph::{Graph, Node, Op, Shape, Shapes, ValueId};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Most channels of an image that convolutions read as planes; more are put in blocks first.
const PLANAR_CHANNELS: usize = 4;

/// Where a value lies.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// The image, as the caller gives it.
    Image,
    /// A map in the arena.
    Map(Map),
    /// Values that are read one behind the other.
    Joined(Vec<ValueId>),
}

/// The state of the walk.
pub(super) struct Lowering<'g> {
    pub graph: &'g Graph<'g>,
    pub shapes: &'g Shapes,
    pub isa: Isa,
    pub workers: usize,
    arena: Arena,
    places: Vec<Option<Place>>,
    /// Readers of each value that are still to come.
    uses: Vec<usize>,
    steps: Vec<Planned>,
    /// Node that is being lowered, and its operations.
    node: String,
    flop: u64,
}

/// Turns a graph with one input into steps; `wanted` are the values to be given out, for `images` images.
///
/// # Errors
/// [`Error::NetworkNode`] for what this engine does not do.
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
    let (arena, node) = (Arena::default(), String::new());
    let mut lowering = Lowering { graph, shapes, isa, workers, arena, places, uses, steps: Vec::new(), node, flop: 0 };
    let outputs: Vec<OutputPlace> = wanted.iter().map(|value| lowering.output_place(*value, images)).collect();
    lowering.place_image();
    for node in graph.nodes().iter().filter(|n| lowering_needed(graph, n, wanted)) {
        lowering.node.clone_from(&node.name);
        lowering.flop = 0;
        lowering.lower_node(node)?;
        lowering.release_inputs(node);
        for (index, value) in wanted.iter().enumerate().filter(|(_, v)| **v == node.output) {
            lowering.give_out(*value, outputs[index]);
        }
    }
    for (index, value) in wanted.iter().enumerate().filter(|(_, v)| graph.inputs().iter().any(|i| i.value == **v)) {
        lowering.give_out(*value, outputs[index]);
    }
    Ok(Plan { steps: lowering.steps, outputs, maps_len: lowering.arena.len() })
}

/// Whether anything that is wanted depends on the node: passes remove most others.
fn lowering_needed(graph: &Graph<'_>, node: &Node, wanted: &[ValueId]) -> bool {
    wanted.contains(&node.output) || graph.nodes().iter().any(|n| n.inputs.contains(&node.output))
}

impl<'g> Lowering<'g> {
    fn output_place(&mut self, value: ValueId, images: usize) -> OutputPlace {
        let Shape { channels, height, width, .. } = self.shapes.of(value);
        OutputPlace { offset: self.arena.take(images * channels * height * width), sides: [channels, height, width] }
    }

    /// The image is read in place if only convolutions read it.
    fn place_image(&mut self) {
        let Some(port) = self.graph.inputs().first() else { return };
        let planar = |n: &&Node| !matches!(&n.op, Op::Conv(conv) if conv.groups == 1);
        let others = self.graph.nodes().iter().filter(|n| n.inputs.contains(&port.value)).find(planar);
        let few = self.shapes.of(port.value).channels <= PLANAR_CHANNELS;
        let given_out = self.graph.outputs().iter().any(|o| o.value == port.value);
        self.places[port.value.index()] = Some(Place::Image);
        if others.is_some() || !few || given_out {
            self.node = String::from("input");
            let map = self.make(port.value);
            self.push(Box::new(BlockImage::new(map)));
        }
    }

    fn give_out(&mut self, value: ValueId, place: OutputPlace) {
        if let Ok(map) = self.map(value) {
            self.node = String::from("output");
            self.flop = 0;
            self.push(Box::new(Unblock::new(map, place.offset)));
            self.release(value);
        }
    }

    /// What is joined is read when the joined value is; all else was read by the steps of the node.
    fn release_inputs(&mut self, node: &Node) {
        if !matches!(self.places[node.output.index()], Some(Place::Joined(_))) {
            node.inputs.iter().for_each(|value| self.release(*value));
        }
    }

    /// Takes a place for the map of a value, which is made by the step that is pushed next.
    pub fn make(&mut self, value: ValueId) -> Map {
        let Shape { channels, height, width, .. } = self.shapes.of(value);
        let mut map = Map { offset: 0, channels, height, width, lanes: self.isa.lanes() };
        map.offset = self.arena.take(map.len());
        self.places[value.index()] = Some(Place::Map(map));
        map
    }

    /// Joins values without making a map.
    pub fn join(&mut self, node: &Node) {
        self.places[node.output.index()] = Some(Place::Joined(node.inputs.clone()));
    }

    /// Numbers for the time of the next steps of this node; to be given back with [`Self::drop_scratch`].
    pub fn scratch(&mut self, len: usize) -> usize {
        self.arena.take(len)
    }

    /// Ends the use of [`Self::scratch`].
    pub fn drop_scratch(&mut self, offset: usize, len: usize) {
        self.arena.give_back(offset, len);
    }

    /// Appends a step of the present node.
    pub fn push(&mut self, step: Box<dyn Step>) {
        self.steps.push(Planned { node: self.node.clone(), step, flop: core::mem::take(&mut self.flop) });
    }

    /// Operations of the next step, by the operator's definition.
    pub fn count(&mut self, flop: u64) {
        self.flop = flop;
    }

    /// Takes the operations over, for a step that comes behind others of the same node.
    pub fn take_count(&mut self) -> u64 {
        core::mem::take(&mut self.flop)
    }

    /// Whether the value is the image, not yet in blocks.
    pub fn is_image(&self, value: ValueId) -> bool {
        matches!(self.places[value.index()], Some(Place::Image))
    }

    /// The maps of a value, one behind the other.
    pub fn maps(&self, value: ValueId) -> Result<Vec<Map>, Error> {
        match &self.places[value.index()] {
            Some(Place::Map(map)) => Ok(vec![*map]),
            Some(Place::Joined(parts)) => {
                let mut maps = Vec::new();
                for part in parts {
                    maps.extend(self.maps(*part)?);
                }
                Ok(maps)
            }
            Some(Place::Image) | None => Err(self.fault("it reads a map that no step makes")),
        }
    }

    /// The value as one map; joined values are copied together the first time.
    pub fn map(&mut self, value: ValueId) -> Result<Map, Error> {
        let maps = self.maps(value)?;
        if let [map] = maps[..] {
            return Ok(map);
        }
        let Some(Place::Joined(parts)) = self.places[value.index()].take() else {
            return Err(self.fault("it reads a map that no step makes"));
        };
        let joined = self.make(value);
        self.push(Box::new(Rearrange::new(&Stack::of(&maps), joined, Order::Join)));
        parts.into_iter().for_each(|part| self.release(part));
        Ok(joined)
    }

    /// One reader of the value is done.
    pub fn release(&mut self, value: ValueId) {
        let uses = &mut self.uses[value.index()];
        *uses = uses.saturating_sub(1);
        if *uses > 0 {
            return;
        }
        match self.places[value.index()].take() {
            Some(Place::Map(map)) => self.arena.give_back(map.offset, map.len()),
            Some(Place::Joined(parts)) => parts.into_iter().for_each(|part| self.release(part)),
            Some(Place::Image) | None => {}
        }
    }

    /// The present node cannot be lowered.
    pub fn fault(&self, what: &'static str) -> Error {
        Error::NetworkNode { node: Text::new(&self.node), what }
    }
}
