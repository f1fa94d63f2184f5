// Softmax over the channels of each pixel: exp(x - largest) by their sum.

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
@group(0) @binding(2) var<storage, read_write> maps_out: array<MapOut>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let cells = p.to_height * p.to_width;
    let blocks = (p.to_channels + 3u) / 4u;
    let cell = id.y * p.to_width + id.x;
    let first = p.from_offset + id.z * p.from_image + cell;
    var largest = -3.4028235e38;
    for (var channel = 0u; channel < p.to_channels; channel++) {
        largest = max(largest, f32(maps_in[first + channel / 4u * cells][channel % 4u]));
    }
    var sum = 0.0;
    for (var channel = 0u; channel < p.to_channels; channel++) {
        sum += exp(f32(maps_in[first + channel / 4u * cells][channel % 4u]) - largest);
    }
    for (var block = 0u; block < blocks; block++) {
        // What fills the last block must stay small, whatever it is.
        let value = min(vec4<f32>(maps_in[first + block * cells]) - largest, vec4<f32>(0.0));
        maps_out[p.to_offset + id.z * p.to_image + cell + block * cells] = stored(exp(value) / sum);
    }
}
