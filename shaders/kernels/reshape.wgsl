// The same numbers with other sides, counted channel by channel (or row by row with the channels innermost).

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

// 1: the input is counted in the order row, column, channel.
override MODE: u32 = 0u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Pair;
@group(0) @binding(1) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(2) var<storage, read_write> maps_out: array<MapOut>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let blocks = (p.to_channels + 3u) / 4u;
    let block = id.z % blocks;
    let image = id.z / blocks;
    var result = vec4<f32>(0.0);
    for (var lane = 0u; lane < 4u; lane++) {
        let to_channel = block * 4u + lane;
        if to_channel < p.to_channels {
            let number = (to_channel * p.to_height + id.y) * p.to_width + id.x;
            let cells = p.from_height * p.from_width;
            var channel = number / cells;
            var cell = number % cells;
            if MODE == 1u {
                channel = number % p.from_channels;
                cell = number / p.from_channels;
            }
            result[lane] = f32(maps_in[p.from_offset + image * p.from_image + channel / 4u * cells + cell][channel % 4u]);
        }
    }
    maps_out[p.to_offset + image * p.to_image + (block * p.to_height + id.y) * p.to_width + id.x] = stored(result);
}
