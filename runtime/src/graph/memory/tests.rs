use super::*;
use crate::graph::{Port, PortForm, Value};
use alloc::string::ToString as _;
use alloc::vec;

/// A graph of `nodes` nodes on maps of 8 channels: chains, sums and joins as a little generator says.
fn random_graph(seed: u32, nodes: u32) -> Graph<'static> {
    let mut state = seed.wrapping_mul(2_654_435_761);
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let form = PortForm { channels_last: false, bytes: false, channels: None };
    let port = |value: u32| Port { name: value.to_string(), value: ValueId(value), form };
    let made: Vec<Node> = (1..=nodes)
        .map(|output| {
            let (op, count) = match next(4) {
                0 => (Op::Concat, 1 + next(3)),
                1 => (Op::Concat, 2),
                _ => (Op::Activate(crate::graph::Activation::Relu), 1),
            };
            let inputs = (0..count).map(|_| ValueId(output - 1 - next(output.min(4)))).collect();
            Node { name: output.to_string(), op, inputs, output: ValueId(output) }
        })
        .collect();
    Graph {
        name: "random".into(),
        inputs: vec![port(0)],
        outputs: vec![port(nodes), port(nodes / 2 + 1)],
        values: (0..=nodes).map(|v| Value { name: v.to_string() }).collect(),
        constants: vec![],
        nodes: made,
    }
}

/// What must hold of a plan: no two buffers that live at the same time overlap, parts lie in their joined maps and do not meet
/// each other there, and everything is aligned and inside the arena. Returns how many parts there are.
fn check(graph: &Graph<'_>, shapes: &Shapes, plan: &MemoryPlan) -> usize {
    let whole: Vec<&Placement> = plan.maps().filter(|m| m.part_of.is_none()).chain(plan.scratch()).collect();
    for (index, a) in whole.iter().enumerate() {
        assert!(a.offset_bytes % ALIGN_BYTES == 0 && a.offset_bytes + a.bytes <= plan.peak_bytes());
        for b in &whole[..index] {
            let together = a.first <= b.last && b.first <= a.last;
            let apart = a.offset_bytes + a.bytes <= b.offset_bytes || b.offset_bytes + b.bytes <= a.offset_bytes;
            assert!(!together || apart, "{a:?} {b:?}");
        }
    }
    let mut parts: Vec<(ValueId, usize, usize, usize, usize)> = Vec::new();
    for (index, map) in plan.maps.iter().enumerate() {
        let Some((map, (joined, channel))) = map.as_ref().and_then(|m| Some((m, m.part_of?))) else { continue };
        let outer = plan.map(joined).unwrap();
        let channels = shapes.of(ValueId(index as u32)).channels;
        assert!(outer.part_of.is_none() && channel + channels <= shapes.of(joined).channels);
        assert!(outer.first <= map.first && outer.last >= map.last);
        assert!(graph.outputs.iter().all(|o| o.value.index() != index));
        parts.push((joined, channel, channels, map.first, map.last));
    }
    for (index, a) in parts.iter().enumerate() {
        for b in &parts[..index] {
            // Parts may only share channels where one is inside the other: a joined map within a larger one.
            let apart = a.1 + a.2 <= b.1 || b.1 + b.2 <= a.1;
            let nested = (a.1 >= b.1 && a.1 + a.2 <= b.1 + b.2) || (b.1 >= a.1 && b.1 + b.2 <= a.1 + a.2);
            assert!(a.0 != b.0 || apart || nested, "{a:?} {b:?}");
        }
    }
    parts.len()
}

#[test]
fn buffers_that_live_together_never_overlap() {
    let mut parts = 0;
    for seed in 0..300 {
        let graph = random_graph(seed, 3 + seed % 30);
        let Ok(shapes) = graph.shapes(&[Shape::new([1, 8, 5, 7])]) else { continue };
        for layout in [MapLayout::PLAIN, MapLayout { channel_block: 16, border_px: 1 }] {
            let scratch = |node: &Node| node.inputs.len() % 2 * 1000;
            let plan = graph.memory_plan(&shapes, layout, scratch).unwrap();
            parts += check(&graph, &shapes, &plan);
            let sum: usize = plan.maps().filter(|m| m.part_of.is_none()).chain(plan.scratch()).map(|m| m.bytes).sum();
            assert!(plan.peak_bytes() <= sum);
        }
    }
    assert!(parts > 300, "{parts}");
}

/// x -> a -> b -> c, all of the same size: two buffers take turns, and the arena is twice one map.
#[test]
fn a_chain_takes_two_buffers() {
    let mut graph = random_graph(1, 6);
    for (index, node) in graph.nodes.iter_mut().enumerate() {
        node.op = Op::Activate(crate::graph::Activation::Relu);
        node.inputs = vec![ValueId(index as u32)];
    }
    graph.outputs.truncate(1);
    let shapes = graph.shapes(&[Shape::new([1, 8, 4, 4])]).unwrap();
    let plan = graph.memory_plan(&shapes, MapLayout::PLAIN, |_| 0).unwrap();
    assert_eq!(plan.peak_bytes(), 2 * 8 * 4 * 4 * 4);
    assert!(plan.to_string().ends_with("1024 bytes in all"), "{plan}");
}

#[test]
fn bytes_of_a_layout() {
    let blocked = MapLayout { channel_block: 16, border_px: 1 };
    assert_eq!(blocked.bytes(Shape::new([1, 17, 6, 8])), Some(32 * 8 * 10 * 4));
    assert_eq!(MapLayout::PLAIN.bytes(Shape::new([1, 3, 5, 5])), Some(320)); // 300 rounded up to 64s
    assert_eq!(blocked.bytes(Shape::new([1, 1, 1 << 14, 1 << 14])), None);
}
