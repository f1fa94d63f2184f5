//! One arena for all maps of a run: who lives when, and where.

use super::limits::MAX_NUMBERS;
use super::{Graph, Node, Op, Shape, Shapes, ValueId};
use crate::error::{Error, Text};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Arenas and the maps in them begin at multiples of this many bytes: a cache line, and one vector of 16 f32.
pub const ALIGN_BYTES: usize = 64;

/// How an engine stores a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapLayout {
    /// Channels are filled up to a multiple of this; 1 for plain maps.
    pub channel_block: usize,
    /// Rows and columns of zeros kept around each map.
    pub border_px: usize,
}

impl MapLayout {
    /// Batch, channels, height, width without gaps.
    pub const PLAIN: Self = Self { channel_block: 1, border_px: 0 };

    /// Bytes of a map in f32; `None` beyond the limits.
    pub fn bytes(self, shape: Shape) -> Option<usize> {
        let channels = shape.channels.checked_next_multiple_of(self.channel_block)?;
        let side = |side: usize| side.checked_add(self.border_px.checked_mul(2)?);
        let sides = [shape.batch, channels, side(shape.height)?, side(shape.width)?];
        let numbers = sides.into_iter().try_fold(1usize, |product, side| product.checked_mul(side))?;
        (numbers <= 2 * MAX_NUMBERS).then_some(())?;
        numbers.checked_mul(4)?.checked_next_multiple_of(ALIGN_BYTES)
    }
}

/// Where a map lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Name in the file.
    pub name: String,
    /// First byte in the arena: of this map, or of the map that it is part of.
    pub offset_bytes: usize,
    /// Bytes of this map, or of the map that it is part of.
    pub bytes: usize,
    /// The first node during which it must keep its place: its maker, 0 for inputs.
    pub first: usize,
    /// The last node during which it must keep its place: its last reader; one beyond the last node for outputs.
    pub last: usize,
    /// The joined map that it is part of, and its first channel there: joining the maps is then nothing to do.
    pub part_of: Option<(ValueId, usize)>,
}

/// Places of all maps and of the nodes' scratch memory in one arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlan {
    maps: Vec<Option<Placement>>,
    scratch: Vec<Placement>,
    peak_bytes: usize,
}

impl MemoryPlan {
    /// Where a map lies; `None` for values that no node and no input makes.
    pub fn map(&self, value: ValueId) -> Option<&Placement> {
        self.maps.get(value.index())?.as_ref()
    }

    /// All maps, in the order of [`Graph::values`].
    pub fn maps(&self) -> impl Iterator<Item = &Placement> {
        self.maps.iter().flatten()
    }

    /// Scratch memory, one entry per node; 0 bytes where none was asked for.
    pub fn scratch(&self) -> &[Placement] {
        &self.scratch
    }

    /// Bytes of the arena.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }
}

impl fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12} {:>12} {:>11}  map", "offset", "bytes", "nodes")?;
        for map in self.maps().chain(self.scratch.iter().filter(|s| s.bytes > 0)) {
            let nodes = alloc::format!("{}-{}", map.first, map.last);
            write!(f, "{:>12} {:>12} {nodes:>11}  {}", map.offset_bytes, map.bytes, map.name)?;
            match map.part_of {
                Some((_, channel)) => writeln!(f, " (part of a joined map, from channel {channel})")?,
                None => writeln!(f)?,
            }
        }
        write!(f, "{:>12} bytes in all", self.peak_bytes)
    }
}

impl Graph<'_> {
    /// Plans one arena: `scratch_bytes` says what each node needs for itself while it runs.
    ///
    /// Maps that live at the same time never overlap. They are placed by size, largest first, each into the smallest gap that
    /// holds it (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, greedy by size).
    ///
    /// # Errors
    /// [`Error::NetworkFile`] if the arena would be beyond what this machine can address, or a map beyond 2^29 numbers.
    pub fn memory_plan(
        &self,
        shapes: &Shapes,
        layout: MapLayout,
        scratch_bytes: impl Fn(&Node) -> usize,
    ) -> Result<MemoryPlan, Error> {
        let too_large = || Error::NetworkFile { place: Text::new(&self.name), what: "its maps do not fit into memory" };
        let mut maps = self.lifetimes(shapes, layout).ok_or_else(too_large)?;
        let scratch = |(index, node): (usize, &Node)| {
            let bytes = scratch_bytes(node).checked_next_multiple_of(ALIGN_BYTES)?;
            let name = alloc::format!("scratch of {}", node.name);
            Some(Placement { name, offset_bytes: 0, bytes, first: index, last: index, part_of: None })
        };
        let scratch: Option<Vec<_>> = self.nodes.iter().enumerate().map(scratch).collect();
        let mut scratch = scratch.ok_or_else(too_large)?;
        let parents = self.parts(shapes, layout);
        for (index, parent) in parents.iter().enumerate() {
            if let (Some((root, channel)), Some(map)) = (root(&parents, *parent), maps[index].clone()) {
                // The joined map must be there from the first of its parts on.
                if let Some(joined) = &mut maps[root.index()] {
                    joined.first = joined.first.min(map.first);
                    joined.last = joined.last.max(map.last);
                }
                if let Some(map) = &mut maps[index] {
                    map.part_of = Some((root, channel));
                }
            }
        }
        let own = maps.iter_mut().flatten().filter(|m| m.part_of.is_none());
        let peak_bytes = place(own.chain(&mut scratch).collect()).ok_or_else(too_large)?;
        for index in 0..maps.len() {
            let Some((joined, _)) = maps[index].as_ref().and_then(|m| m.part_of) else { continue };
            let place = maps[joined.index()].as_ref().map(|j| (j.offset_bytes, j.bytes));
            if let (Some(map), Some((offset_bytes, bytes))) = (&mut maps[index], place) {
                (map.offset_bytes, map.bytes) = (offset_bytes, bytes);
            }
        }
        Ok(MemoryPlan { maps, scratch, peak_bytes })
    }

    /// Size and lifetime of every map.
    fn lifetimes(&self, shapes: &Shapes, layout: MapLayout) -> Option<Vec<Option<Placement>>> {
        let mut maps = alloc::vec![None; self.values.len()];
        let mut make = |value: ValueId, first: usize| {
            let bytes = layout.bytes(shapes.of(value))?;
            let name = self.values[value.index()].name.clone();
            maps[value.index()] = Some(Placement { name, offset_bytes: 0, bytes, first, last: first, part_of: None });
            Some(())
        };
        for port in &self.inputs {
            make(port.value, 0)?;
        }
        for (index, node) in self.nodes.iter().enumerate() {
            make(node.output, index)?;
        }
        let read = self.nodes.iter().enumerate().flat_map(|(index, n)| n.inputs.iter().map(move |v| (*v, index)));
        for (value, last) in read.chain(self.outputs.iter().map(|o| (o.value, self.nodes.len()))) {
            if let Some(map) = &mut maps[value.index()] {
                map.last = map.last.max(last);
            }
        }
        Some(maps)
    }

    /// For each value the joined map that it can be part of, and its first channel there: made by a node, no output itself,
    /// joined once, beginning at a whole block of channels. With more than one image the parts would not be in one piece.
    fn parts(&self, shapes: &Shapes, layout: MapLayout) -> Vec<Option<(ValueId, usize)>> {
        let mut parts = alloc::vec![None; self.values.len()];
        let outside: Vec<ValueId> = self.inputs.iter().chain(&self.outputs).map(|p| p.value).collect();
        for node in self.nodes.iter().filter(|n| n.op == Op::Concat && shapes.of(n.output).batch == 1) {
            let mut channel = 0;
            for value in &node.inputs {
                let channels = shapes.of(*value).channels;
                // A part that does not fill its last block would write its filling over the next part.
                let whole = [channel, channels].iter().all(|c| c.is_multiple_of(layout.channel_block));
                if whole && !outside.contains(value) && parts[value.index()].is_none() {
                    parts[value.index()] = Some((node.output, channel));
                }
                channel += channels;
            }
        }
        parts
    }
}

/// The outermost joined map of a part, and the first channel there.
fn root(parents: &[Option<(ValueId, usize)>], parent: Option<(ValueId, usize)>) -> Option<(ValueId, usize)> {
    let (mut joined, mut channel) = parent?;
    // Every step leads to a later node, so that this ends.
    while let Some((outer, within)) = parents[joined.index()] {
        (joined, channel) = (outer, channel + within);
    }
    Some((joined, channel))
}

/// Gives every buffer an offset; returns the end of the last one.
fn place(mut buffers: Vec<&mut Placement>) -> Option<usize> {
    buffers.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.first.cmp(&b.first)));
    // Offset, end, first and last node of what is placed, by offset.
    let mut placed: Vec<[usize; 4]> = Vec::new();
    let mut peak = 0;
    for buffer in buffers {
        let (mut end, mut best): (usize, Option<(usize, usize)>) = (0, None);
        for &[offset, other_end, first, last] in &placed {
            if last < buffer.first || buffer.last < first {
                continue;
            }
            let gap = offset.saturating_sub(end);
            if gap >= buffer.bytes && best.is_none_or(|(smallest, _)| gap < smallest) {
                best = Some((gap, end));
            }
            end = end.max(other_end);
        }
        buffer.offset_bytes = best.map_or(end, |(_, offset)| offset);
        let own_end = buffer.offset_bytes.checked_add(buffer.bytes).filter(|end| *end <= isize::MAX as usize)?;
        peak = peak.max(own_end);
        if buffer.bytes > 0 {
            let at = placed.partition_point(|p| p[0] <= buffer.offset_bytes);
            placed.insert(at, [buffer.offset_bytes, own_end, buffer.first, buffer.last]);
        }
    }
    Some(peak)
}

#[cfg(test)]
mod tests;
