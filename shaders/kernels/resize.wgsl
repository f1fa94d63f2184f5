// Scaling of height and width. What each row and column reads was worked out at preparation, so that all of ONNX's coordinate
// and rounding modes are this one kernel.

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

// Two rows (or columns) of the input, and the weight of the second.
struct Reads {
    first: u32,
    second: u32,
    weight: f32,
}

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Pair;
// The rows of the result, then its columns.
@group(0) @binding(1) var<storage, read> reads: array<Reads>;
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
    let first = p.from_offset + image * p.from_image + block * p.from_height * p.from_width;
    let row = reads[id.y];
    let column = reads[p.to_height + id.x];
    let upper = first + row.first * p.from_width;
    var value = vec4<f32>(maps_in[upper + column.first]);
    if column.weight != 0.0 {
        value = mix(value, vec4<f32>(maps_in[upper + column.second]), column.weight);
    }
    if row.weight != 0.0 {
        let lower = first + row.second * p.from_width;
        var below = vec4<f32>(maps_in[lower + column.first]);
        if column.weight != 0.0 {
            below = mix(below, vec4<f32>(maps_in[lower + column.second]), column.weight);
        }
        value = mix(value, below, row.weight);
    }
    maps_out[p.to_offset + image * p.to_image + (block * p.to_height + id.y) * p.to_width + id.x] = stored(value);
}
