// Scores of all candidate edges: how well the part affinity field points along the line between two peaks.

struct Line {
    from_offset: u32,
    height: u32,
    width: u32,
    lists: u32,
    edges: u32,
    samples: u32,
    // Affinity cells of one cell of the confidence maps, and input pixels of one affinity cell.
    cells_per_cell: f32,
    stride_px: f32,
    // Longer lines lose up to the weight.
    max_length_px: f32,
    penalty_weight: f32,
    // 0, which the compiler must not know.
    zero: u32,
}

@group(0) @binding(0) var<uniform> p: Line;
// [edge] number in the field, list of the sources, list of the destinations; then [sample] fraction of the way.
@group(0) @binding(1) var<storage, read> table: array<u32>;
// [block][row][column][lane]; x and y of edge e in channels 2 e and 2 e + 1.
@group(0) @binding(2) var<storage, read> maps_in: array<f32>;
// [list] peaks listed, [list] peaks that there are, x, y and value of each peak; behind these [edge][source][destination] the
// scores.
@group(0) @binding(3) var<storage, read_write> found: array<u32>;

// The peaks before a list.
fn peaks_before(list: u32) -> u32 {
    var before = 0u;
    for (var other = 0u; other < list; other++) {
        before += found[other];
    }
    return before;
}

// A product that no driver can join with a sum to one rounding: between two cells that would give another cell.
fn product(a: f32, b: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(a * b) ^ p.zero);
}

// A peak in affinity cells.
fn place(peak: u32) -> vec2<f32> {
    let at = 2u * p.lists + 3u * peak;
    return vec2<f32>(product(bitcast<f32>(found[at]), p.cells_per_cell), product(bitcast<f32>(found[at + 1u]), p.cells_per_cell));
}

// The score's bits; negative infinity where there is none.
fn score(edge: u32, from_peak: u32, to_peak: u32) -> u32 {
    let start = place(from_peak);
    let way = place(to_peak) - start;
    let last = vec2<f32>(f32(p.width - 1u), f32(p.height - 1u));
    let cells = p.height * p.width;
    // Both channels of an edge are in one block.
    let first = (p.from_offset + edge / 2u * cells) * 4u + edge % 2u * 2u;
    var sum = vec2<f32>(0.0);
    for (var sample = 0u; sample < p.samples; sample++) {
        let t = bitcast<f32>(table[3u * p.edges + sample]);
        let at = start + vec2<f32>(product(t, way.x), product(t, way.y));
        let cell = vec2<u32>(round(clamp(at, vec2<f32>(0.0), last)));
        let number = first + (cell.y * p.width + cell.x) * 4u;
        sum += vec2<f32>(maps_in[number], maps_in[number + 1u]);
    }
    let length = sqrt(product(way.x, way.x) + product(way.y, way.y));
    let mean = (product(sum.x, way.x) + product(sum.y, way.y)) / (length * f32(p.samples));
    let penalty = min(p.max_length_px / (length * p.stride_px) - 1.0, 0.0) * p.penalty_weight;
    let bits = bitcast<u32>(mean + penalty);
    let finite = (bits & 0x7fffffffu) < 0x7f800000u;
    return select(0xff800000u, bits, finite && length > 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let source = group.x;
    let edge = group.y;
    let sources = table[3u * edge + 1u];
    let destinations = table[3u * edge + 2u];
    if source >= found[sources] {
        return;
    }
    var to = 2u * p.lists + 3u * peaks_before(p.lists);
    for (var other = 0u; other < edge; other++) {
        to += found[table[3u * other + 1u]] * found[table[3u * other + 2u]];
    }
    let count = found[destinations];
    to += source * count;
    let from_peak = peaks_before(sources) + source;
    let first = peaks_before(destinations);
    for (var destination = local; destination < count; destination += 64u) {
        found[to + destination] = score(table[3u * edge], from_peak, first + destination);
    }
}
