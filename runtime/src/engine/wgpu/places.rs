//! In which buffer each map lies.
//!
//! wgpu lets no dispatch read a buffer that it also writes, whatever parts of it. So the buffers are not one arena but colours:
//! maps that live at the same time get different ones, and as a node's inputs and its output live together, no dispatch can meet
//! the same buffer twice. Sizes are shared greedily, largest map first (Pisarchyk and Lee, 2020, "greedy by size" for shared
//! objects).

use super::fuse::{Pooled, pools};
use super::joins::lanes;
use super::parts::{Parts, lifetimes, parts};
use crate::engine::Precision;
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
    /// Its channels, and the gaps between them where it is a joined map that has some.
    pub lanes: usize,
    /// vec4 in the buffer before the map, or the joined map that it is part of.
    pub start: usize,
    /// vec4 from one image to the next: all maps that lie side by side in the buffer.
    pub apart: usize,
    /// How its numbers are kept.
    pub precision: Precision,
}

impl Place {
    /// Pixels of a channel.
    pub fn cells(&self) -> usize {
        self.shape.height * self.shape.width
    }

    /// Blocks of its own.
    pub fn blocks(&self) -> usize {
        self.lanes.div_ceil(BLOCK)
    }

    /// Numbers of an image, blocks filled up.
    pub fn numbers(&self) -> usize {
        self.blocks() * BLOCK * self.cells()
    }

    /// Bytes of an image, blocks filled up.
    pub fn bytes(&self) -> usize {
        self.numbers() * self.precision.number_bytes()
    }

    /// Whether its numbers have 16 bits.
    pub fn is_half(&self) -> bool {
        self.precision == Precision::Half
    }

    /// First vec4 in the buffer, for maps that begin with a block.
    pub fn offset(&self) -> u32 {
        (self.start + self.channel / BLOCK * self.cells()) as u32
    }

    /// vec4 from one image to the next.
    pub fn image(&self) -> u32 {
        self.apart as u32
    }
}

/// All maps and buffers.
pub(super) struct Places {
    places: Vec<Option<Place>>,
    /// For each value the lane of every channel, where there are gaps.
    lanes: Vec<Option<Vec<usize>>>,
    /// For each value the pool that is made along with it.
    pools: Vec<Option<Pooled>>,
    /// Bytes of each buffer, for one image.
    pub buffers: Vec<usize>,
}

impl Places {
    /// Where a map lies; `None` for values that nothing makes.
    pub fn of(&self, value: ValueId) -> Option<Place> {
        self.places.get(value.index()).copied().flatten()
    }

    /// The lane of every channel of a joined map with gaps.
    pub fn lanes(&self, value: ValueId) -> Option<&[usize]> {
        self.lanes.get(value.index())?.as_deref()
    }

    /// The pool that is made along with a map.
    pub fn pooled(&self, value: ValueId) -> Option<Pooled> {
        self.pools.get(value.index()).copied().flatten()
    }

    /// Whether the convolution before a pool makes its result.
    pub fn is_pooled(&self, value: ValueId) -> bool {
        self.pools.iter().flatten().any(|pooled| pooled.value == value)
    }

    /// Gives every map a buffer, except `image` where that is read as planes. The maps in `wide` keep 32 bits, and
    /// so do those beside them.
    pub fn new(graph: &Graph<'_>, shapes: &Shapes, image: Option<ValueId>, precision: Precision, wide: &[ValueId]) -> Self {
        let parts = parts(graph, shapes);
        let pools = pools(graph, shapes, &parts, image);
        let lives = lifetimes(graph, &parts, &pools);
        let made: Vec<ValueId> = graph.inputs().iter().map(|p| p.value).chain(graph.nodes().iter().map(|n| n.output)).collect();
        let mut places =
            Self { places: vec![None; graph.values().len()], lanes: lanes(graph, shapes), pools, buffers: Vec::new() };
        let whole = |value: ValueId| parts[value.index()].map_or(value, |(whole, _)| whole);
        // What lies in a buffer behind another map.
        let behind = |value: ValueId| places.pools[value.index()].filter(|p| p.keep).map(|p| (whole(value), p.value));
        let behind: Vec<(ValueId, ValueId)> = made.iter().filter_map(|v| behind(*v)).collect();
        // Maps that lie side by side are of one kind.
        let first = |v: ValueId| match behind.iter().find(|(_, other)| *other == v) {
            Some((whole, _)) => *whole,
            None => places.pools[v.index()].filter(|p| !p.keep).map_or(whole(v), |p| p.value),
        };
        let wide: Vec<ValueId> = wide.iter().map(|v| first(*v)).collect();
        let precision = |v: ValueId| if wide.contains(&v) { Precision::Single } else { precision };
        let dropped = |v: &ValueId| places.pools[v.index()].is_some_and(|p| !p.keep);
        let own = |v: &&ValueId| parts[v.index()].is_none() && Some(**v) != image && behind.iter().all(|(_, other)| other != *v);
        let mut wholes: Vec<ValueId> = made.iter().filter(|v| own(v) && !dropped(v)).copied().collect();
        let numbers = |v: ValueId| places.lanes_of(shapes, v).div_ceil(BLOCK) * shapes.of(v).height * shapes.of(v).width;
        let all =
            |v: ValueId| numbers(v) + behind.iter().filter(|(w, _)| *w == v).map(|(_, other)| numbers(*other)).sum::<usize>();
        let bytes = |v: ValueId| all(v) * BLOCK * precision(v).number_bytes();
        wholes.sort_by_key(|v| (core::cmp::Reverse(bytes(*v)), v.index()));
        let sizes: Vec<usize> = wholes.iter().map(|v| bytes(*v)).collect();
        let kinds: Vec<_> = wholes.iter().map(|v| (all(*v), numbers(*v), precision(*v))).collect();
        let buffers = places.colour(&wholes, &sizes, &lives);
        for ((value, buffer), (apart, own, precision)) in wholes.iter().zip(buffers).zip(kinds) {
            let Some(buffer) = buffer else { continue };
            places.put(shapes, *value, [buffer, 0, apart], precision);
            let mut start = own;
            for (_, other) in behind.iter().filter(|(whole, _)| whole == value) {
                places.put(shapes, *other, [buffer, start, apart], precision);
                start += shapes.of(*other).channels.div_ceil(BLOCK) * shapes.of(*other).height * shapes.of(*other).width;
            }
        }
        places.inside(shapes, &made, &parts);
        places
    }

    fn put(&mut self, shapes: &Shapes, value: ValueId, [buffer, start, apart]: [usize; 3], precision: Precision) {
        let (shape, lanes) = (shapes.of(value), self.lanes_of(shapes, value));
        self.places[value.index()] = Some(Place { buffer, shape, channel: 0, lanes, start, apart, precision });
    }

    /// Lanes of a map: one a channel, and gaps.
    fn lanes_of(&self, shapes: &Shapes, value: ValueId) -> usize {
        self.lanes(value).and_then(<[usize]>::last).map_or(shapes.of(value).channels, |last| last + 1)
    }

    /// Gives maps, the largest first, a buffer each that no map has which lives at the same time.
    fn colour(&mut self, wholes: &[ValueId], sizes: &[usize], lives: &[Option<[usize; 2]>]) -> Vec<Option<usize>> {
        // First and last node of the maps in each buffer.
        let mut taken: Vec<Vec<[usize; 2]>> = Vec::new();
        let mut buffer = |(value, size): (&ValueId, &usize)| {
            let life = lives[value.index()]?;
            let free = |taken: &Vec<[usize; 2]>| taken.iter().all(|other| other[1] < life[0] || life[1] < other[0]);
            // The last buffer that is free is the smallest one.
            let buffer = taken.iter().rposition(free).unwrap_or_else(|| {
                taken.push(Vec::new());
                // Maps come by size: the first one in a buffer is its largest.
                self.buffers.push(*size);
                taken.len() - 1
            });
            taken[buffer].push(life);
            Some(buffer)
        };
        wholes.iter().zip(sizes).map(&mut buffer).collect()
    }

    /// Places of the maps that are parts of joined ones, and of those that are pooled and not written.
    fn inside(&mut self, shapes: &Shapes, made: &[ValueId], parts: &Parts) {
        for value in made {
            let shape = shapes.of(*value);
            let lanes = self.lanes_of(shapes, *value);
            if let Some((whole, channel)) = parts[value.index()] {
                let whole: Option<Place> = self.places[whole.index()];
                self.places[value.index()] = whole.map(|whole| Place { shape, channel, lanes, ..whole });
            } else if let Some(Pooled { value: pooled, keep: false }) = self.pooled(*value) {
                let place: Option<Place> = self.places[pooled.index()];
                self.places[value.index()] = place.map(|place| Place { shape, lanes, ..place });
            }
        }
    }
}
