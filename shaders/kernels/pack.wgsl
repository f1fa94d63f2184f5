// Planes of an image to blocks of four channels.

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

@group(0) @binding(0) var<uniform> p: Pair;
// [image][channel][row][column]; `from_image` counts numbers here.
@group(0) @binding(1) var<storage, read> planes_in: array<f32>;
@group(0) @binding(2) var<storage, read_write> maps_out: array<MapOut>;

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
    var value = vec4<f32>(0.0);
    for (var lane = 0u; lane < 4u; lane++) {
        let channel = block * 4u + lane;
        if channel < p.to_channels {
            value[lane] = planes_in[image * p.from_image + channel * cells + cell];
        }
    }
    maps_out[p.to_offset + image * p.to_image + block * cells + cell] = stored(value);
}
