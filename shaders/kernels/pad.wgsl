// Rows and columns added around the maps: `top` above and `left` before.

// Maps lie in blocks of four channels: [image][block][row][column] vec4. Offsets and distances count vec4.
struct Pair {
    from_offset: u32,
    from_image: u32,
    from_channels: u32,
    from_height: u32,
    from_width: u32,
    to_offset: u32,
    to_image: u32,
    to_channels: u32,
    to_height: u32,
    to_width: u32,
    // What these mean stands in the kernels that read them.
    top: u32,
    left: u32,
    channel: u32,
    low: f32,
    high: f32,
}

// 0 the number `low`, 1 mirrored without the edge, 2 the edge.
override MODE: u32 = 0u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Pair;
@group(0) @binding(1) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(2) var<storage, read_write> maps_out: array<MapOut>;

// Where place `at` of the result lies in a side of the input.
fn source(at: u32, before: u32, side: u32) -> u32 {
    if MODE == 1u {
        let mirrored = u32(abs(i32(at) - i32(before)));
        return select(2u * (side - 1u) - mirrored, mirrored, mirrored < side);
    }
    if MODE == 2u {
        return min(max(at, before) - before, side - 1u);
    }
    // Before the input it wraps, beyond any side.
    return at - before;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let blocks = (p.to_channels + 3u) / 4u;
    let block = id.z % blocks;
    let image = id.z / blocks;
    let y = source(id.y, p.top, p.from_height);
    let x = source(id.x, p.left, p.from_width);
    var value = vec4<f32>(p.low);
    if y < p.from_height && x < p.from_width {
        value = vec4<f32>(maps_in[p.from_offset + image * p.from_image + (block * p.from_height + y) * p.from_width + x]);
    }
    maps_out[p.to_offset + image * p.to_image + (block * p.to_height + id.y) * p.to_width + id.x] = stored(value);
}
