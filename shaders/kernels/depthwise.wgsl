// Convolution of each channel by itself; a transposed one is one dispatch for each remainder of the stride.

// Maps lie in blocks of four channels: [image][block][row][column] vec4. Offsets and distances count vec4.
struct Conv {
    from_offset: u32,
    from_image: u32,
    from_blocks: u32,
    from_height: u32,
    from_width: u32,
    to_offset: u32,
    to_image: u32,
    to_blocks: u32,
    to_height: u32,
    to_width: u32,
    // Results of this dispatch: place (row, column) is written to first + step * place.
    rows: u32,
    columns: u32,
    first_y: u32,
    first_x: u32,
    step_y: u32,
    step_x: u32,
    // Tap (dy, dx) of place (row, column) reads stride * place + tap.
    stride_y: u32,
    stride_x: u32,
    kernel_rows: u32,
    kernel_columns: u32,
    taps: u32,
    group_in: u32,
    group_out: u32,
    to_channels: u32,
    // The map pooled by 2x2, where the kernel makes it as well.
    pooled_offset: u32,
    pooled_image: u32,
    pooled_height: u32,
    pooled_width: u32,
    low: f32,
    high: f32,
}

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;
alias Weight = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Conv;
// (dx, dy) of each tap.
@group(0) @binding(1) var<storage, read> taps: array<vec2<i32>>;
// [tap][block].
@group(0) @binding(2) var<storage, read> weights: array<Weight>;
// [block].
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(5) var<storage, read_write> maps_out: array<MapOut>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.columns || id.y >= p.rows {
        return;
    }
    let block = id.z % p.to_blocks;
    let image = id.z / p.to_blocks;
    let first = p.from_offset + image * p.from_image + block * p.from_height * p.from_width;
    var sum = bias[block];
    for (var tap = 0u; tap < p.taps; tap++) {
        let y = i32(id.y * p.stride_y) + taps[tap].y;
        let x = i32(id.x * p.stride_x) + taps[tap].x;
        if y >= 0 && y < i32(p.from_height) && x >= 0 && x < i32(p.from_width) {
            sum += vec4<f32>(weights[tap * p.to_blocks + block]) * vec4<f32>(maps_in[first + u32(y) * p.from_width + u32(x)]);
        }
    }
    let y = p.first_y + p.step_y * id.y;
    let x = p.first_x + p.step_x * id.x;
    let place = p.to_offset + image * p.to_image + (block * p.to_height + y) * p.to_width + x;
    maps_out[place] = stored(activate(sum, p.low, p.high));
}
