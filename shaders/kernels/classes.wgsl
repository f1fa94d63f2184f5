// What the class maps say at each peak.

struct Class {
    from_offset: u32,
    height: u32,
    width: u32,
    classes: u32,
    lists: u32,
    // Class-map cells of one cell of the confidence maps.
    cells_per_cell: f32,
}

@group(0) @binding(0) var<uniform> p: Class;
// [block][row][column][lane] numbers as their bits.
@group(0) @binding(1) var<storage, read> maps_in: array<u32>;
// [list] peaks listed, [list] peaks that there are, x, y and value of each peak; behind these [peak][class] the numbers.
@group(0) @binding(2) var<storage, read_write> found: array<u32>;

// The nearest cell, halves to even, inside the map.
fn nearest(at: f32, side: u32) -> u32 {
    return u32(clamp(round(at * p.cells_per_cell), 0.0, f32(side - 1u)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let list = group.z;
    var before = 0u;
    var all = 0u;
    for (var other = 0u; other < p.lists; other++) {
        before += select(0u, found[other], other < list);
        all += found[other];
    }
    let cells = p.height * p.width;
    for (var peak = local; peak < found[list]; peak += 64u) {
        let at = 2u * p.lists + 3u * (before + peak);
        let x = nearest(bitcast<f32>(found[at]), p.width);
        let cell = nearest(bitcast<f32>(found[at + 1u]), p.height) * p.width + x;
        let to = 2u * p.lists + 3u * all + (before + peak) * p.classes;
        for (var number = 0u; number < p.classes; number++) {
            found[to + number] = maps_in[(p.from_offset + number / 4u * cells + cell) * 4u + number % 4u];
        }
    }
}
