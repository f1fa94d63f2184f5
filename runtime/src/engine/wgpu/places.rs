//! In which buffer each map lies.
//!
//! wgpu lets no dispatch read a buffer that it also writes, whatever parts of it. So the buffers are not one arena but colours:
//! maps that live at the same time get different ones, and as a node's inputs and its output live together, no dispatch can meet
//! the same buffer twice. Sizes are shared greedily, largest map first (Pisarchyk and Lee, 2020, "greedy by size" for shared
//! objects).

use super::parts::{lifetimes, parts};
use crate::graph::{Graph, Shape, Shapes, ValueId};
use alloc::vec;
use alloc::vec::Vec;

/// Channels of a block: one vec4.
pub(super) const BLOCK: usize = 4;

/// Where a map lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Index in [`Places::buffers`].
    pub buffer: usize,
    /// Its own channels, height and width.
    pub shape: Shape,
    /// First channel in the joined map that it is part of; 0 for whole maps.
    pub channel: usize,
    /// Blocks of the whole map.
    pub whole_blocks: usize,
}

impl Place {
    /// Pixels of a channel.
    pub fn cells(&self) -> usize {
        self.shape.height * self.shape.width
    }

    /// Blocks of its own.
    pub fn blocks(&self) -> usize {
        self.shape.channels.div_ceil(BLOCK)
    }

    /// First vec4 in the buffer, for maps that begin with a block.
    pub fn offset(&self) -> u32 {
        (self.channel / BLOCK * self.cells()) as u32
    }

    /// vec4 from one image to the next.
    pub fn image(&self) -> u32 {
        (self.whole_blocks * self.cells()) as u32
    }
}

/// All maps and buffers.
pub(super) struct Places {
    places: Vec<Option<Place>>,
    /// vec4 of each buffer, for one image.
    pub buffers: Vec<usize>,
}

impl Places {
    /// Where a map lies; `None` for values that nothing makes.
    pub fn of(&self, value: ValueId) -> Option<Place> {
        self.places.get(value.index()).copied().flatten()
    }

    /// Gives every map a buffer, except `image` where that is read as planes.
    pub fn new(graph: &Graph<'_>, shapes: &Shapes, image: Option<ValueId>) -> Self {
        let parts = parts(graph, shapes);
        let lives = lifetimes(graph, &parts);
        let made: Vec<ValueId> = graph.inputs().iter().map(|p| p.value).chain(graph.nodes().iter().map(|n| n.output)).collect();
        let mut wholes: Vec<ValueId> = made.iter().copied().filter(|v| parts[v.index()].is_none() && Some(*v) != image).collect();
        let numbers = |v: ValueId| shapes.of(v).channels.div_ceil(BLOCK) * shapes.of(v).height * shapes.of(v).width;
        wholes.sort_by_key(|v| (core::cmp::Reverse(numbers(*v)), v.index()));
        // First and last node of the maps in each buffer.
        let mut taken: Vec<Vec<[usize; 2]>> = Vec::new();
        let (mut buffers, mut places) = (Vec::new(), vec![None; graph.values().len()]);
        for value in wholes {
            let Some(life) = lives[value.index()] else { continue };
            let free = |taken: &Vec<[usize; 2]>| taken.iter().all(|other| other[1] < life[0] || life[1] < other[0]);
            // The last buffer that is free is the smallest one.
            let buffer = taken.iter().rposition(free).unwrap_or_else(|| {
                taken.push(Vec::new());
                // Maps come by size: the first one in a buffer is its largest.
                buffers.push(numbers(value));
                taken.len() - 1
            });
            taken[buffer].push(life);
            let shape = shapes.of(value);
            places[value.index()] = Some(Place { buffer, shape, channel: 0, whole_blocks: shape.channels.div_ceil(BLOCK) });
        }
        for value in &made {
            let Some((whole, channel)) = parts[value.index()] else { continue };
            let whole: Option<Place> = places[whole.index()];
            places[value.index()] = whole.map(|whole| Place { shape: shapes.of(*value), channel, ..whole });
        }
        Self { places, buffers }
    }
}
