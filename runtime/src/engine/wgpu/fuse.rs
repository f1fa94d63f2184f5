//! Which max-pools are made by the convolution before them.

use super::lower::pools_itself;
use super::parts::Parts;
use crate::graph::{Graph, Op, Pool, Shapes, ValueId};
use alloc::vec;
use alloc::vec::Vec;

/// A max-pool that the convolution before it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pooled {
    /// The pooled map.
    pub value: ValueId,
    /// Whether something else reads the map before the pool, so that it must be written as well.
    pub keep: bool,
}

/// For each value the pool that is made along with it. Both lie in one buffer, as a kernel has one output; so not where something
/// would read the pooled map and write to that buffer: a part of the joined map that the convolution makes a part of.
pub(super) fn pools(graph: &Graph<'_>, shapes: &Shapes, parts: &Parts, image: Option<ValueId>) -> Vec<Option<Pooled>> {
    let whole = |value: ValueId| parts[value.index()].map_or(value, |(whole, _)| whole);
    let uses = graph.uses();
    let mut pools = vec![None; graph.values().len()];
    for node in graph.nodes() {
        let (Op::MaxPool(pool), Some(value)) = (&node.op, node.inputs.first().copied()) else { continue };
        let makes =
            |n: &&crate::graph::Node| n.output == value && Some(value) != image && !n.inputs.iter().any(|v| Some(*v) == image);
        let Some(maker) = graph.nodes().iter().find(makes) else { continue };
        let meets = graph.nodes().iter().any(|n| n.inputs.contains(&node.output) && whole(n.output) == whole(value));
        let alone = parts[node.output.index()].is_none() && !meets;
        if halves(shapes, value, node.output, pool) && pools_itself(shapes, maker) && alone && pools[value.index()].is_none() {
            let keep = uses[value.index()] > 1 || parts[value.index()].is_some();
            pools[value.index()] = Some(Pooled { value: node.output, keep });
        }
    }
    pools
}

/// Whether a pool is 2x2 with steps of 2, and an odd last row or column is left out.
fn halves(shapes: &Shapes, from: ValueId, to: ValueId, pool: &Pool) -> bool {
    let (from, to, window) = (shapes.of(from), shapes.of(to), &pool.window);
    let plain = window.kernel == [2; 2] && window.stride == [2; 2] && window.dilation == [1; 2];
    plain && window.pads_px([from.height, from.width]) == [0; 4] && [to.height, to.width] == [from.height / 2, from.width / 2]
}
