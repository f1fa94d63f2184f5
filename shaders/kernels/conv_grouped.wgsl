// Convolution in groups that do not see each other and whose channels need not fill blocks: one number at a time, for networks
// that have it at all.

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
alias Weight = f32;

@group(0) @binding(0) var<uniform> p: Conv;
// (dx, dy) of each tap.
@group(0) @binding(1) var<storage, read> taps: array<vec2<i32>>;
// [output channel][input channel of the group][tap].
@group(0) @binding(2) var<storage, read> weights: array<Weight>;
// [output block].
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
    var sum = bias[block];
    for (var lane = 0u; lane < 4u; lane++) {
        let channel = block * 4u + lane;
        if channel < p.to_channels {
            sum[lane] += product(image, channel, id.xy);
        }
    }
    let y = p.first_y + p.step_y * id.y;
    let x = p.first_x + p.step_x * id.x;
    let place = p.to_offset + image * p.to_image + (block * p.to_height + y) * p.to_width + x;
    maps_out[place] = stored(activate(sum, p.low, p.high));
}

// The sum over all taps and all input channels of the group.
fn product(image: u32, channel: u32, at: vec2<u32>) -> f32 {
    var sum = 0.0;
    for (var within = 0u; within < p.group_in; within++) {
        let source = channel / p.group_out * p.group_in + within;
        let first = p.from_offset + image * p.from_image + source / 4u * p.from_height * p.from_width;
        for (var tap = 0u; tap < p.taps; tap++) {
            let y = i32(at.y * p.stride_y) + taps[tap].y;
            let x = i32(at.x * p.stride_x) + taps[tap].x;
            if y >= 0 && y < i32(p.from_height) && x >= 0 && x < i32(p.from_width) {
                let weight = f32(weights[(channel * p.group_in + within) * p.taps + tap]);
                sum += weight * f32(maps_in[first + u32(y) * p.from_width + u32(x)][source % 4u]);
            }
        }
    }
    return sum;
}
