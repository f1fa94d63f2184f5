// A factor and a summand for each channel, then an activation.

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

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Pair;
// Factors, then summands: [2][block].
@group(0) @binding(1) var<storage, read> scale_shift: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(3) var<storage, read_write> maps_out: array<MapOut>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let blocks = (p.to_channels + 3u) / 4u;
    let block = id.z % blocks;
    let image = id.z / blocks;
    let cell = (block * p.to_height + id.y) * p.to_width + id.x;
    let value = vec4<f32>(maps_in[p.from_offset + image * p.from_image + cell]);
    let result = activate(scale_shift[block] * value + scale_shift[blocks + block], p.low, p.high);
    maps_out[p.to_offset + image * p.to_image + cell] = stored(result);
}
