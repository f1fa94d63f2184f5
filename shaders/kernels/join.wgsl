// Copies a map to a range of channels of a joined one, where it was not made there.

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
alias NumberOut = f32;

@group(0) @binding(0) var<uniform> p: Pair;
@group(0) @binding(1) var<storage, read> maps_in: array<MapIn>;
// Number by number: two maps may share a block. Offsets count vec4 all the same.
@group(0) @binding(2) var<storage, read_write> numbers_out: array<NumberOut>;

// `channel`: the first channel in the joined map; `to_channels`: channels to write, those beyond `from_channels` as zeros.
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let first_block = p.channel / 4u;
    let blocks = (p.channel + p.to_channels + 3u) / 4u - first_block;
    let block = first_block + id.z % blocks;
    let image = id.z / blocks;
    let cells = p.to_height * p.to_width;
    let cell = id.y * p.to_width + id.x;
    for (var lane = 0u; lane < 4u; lane++) {
        let joined = block * 4u + lane;
        // Below the first channel the subtraction wraps, beyond any number of channels.
        let channel = joined - p.channel;
        if channel < p.to_channels {
            var value = 0.0;
            if channel < p.from_channels {
                value = f32(maps_in[p.from_offset + image * p.from_image + channel / 4u * cells + cell][channel % 4u]);
            }
            numbers_out[(p.to_offset + image * p.to_image + block * cells + cell) * 4u + lane] = NumberOut(value);
        }
    }
}
