// Blocks of four channels to the planes that are read back.

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
@group(0) @binding(1) var<storage, read> maps_in: array<MapIn>;
// [image][channel][row][column]; `to_offset` and `to_image` count numbers here.
@group(0) @binding(2) var<storage, read_write> planes_out: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let blocks = (p.to_channels + 3u) / 4u;
    let block = id.z % blocks;
    let image = id.z / blocks;
    let cells = p.to_height * p.to_width;
    let cell = id.y * p.to_width + id.x;
    let value = vec4<f32>(maps_in[p.from_offset + image * p.from_image + block * cells + cell]);
    for (var lane = 0u; lane < 4u; lane++) {
        let channel = block * 4u + lane;
        if channel < p.to_channels {
            planes_out[p.to_offset + image * p.to_image + channel * cells + cell] = value[lane];
        }
    }
}
