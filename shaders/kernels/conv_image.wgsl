// Dense convolution of the image itself, whose few channels lie plane by plane: windows up to 7x7, steps 1 and 2. A workgroup
// makes 16x16 results by 8 channels; one channel at a time is brought into workgroup memory with its halo.

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

const SIDE: u32 = 16u;
// 15 steps of 2 and a window of 7: 37 rows and columns.
const MOST_HALO: u32 = 1369u;
const THREADS: u32 = 64u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias Weight = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Conv;
// (dx, dy) of each tap, row by row: the first one is the padding.
@group(0) @binding(1) var<storage, read> taps: array<vec2<i32>>;
// [tap][input channel][output block].
@group(0) @binding(2) var<storage, read> weights: array<Weight>;
// [output block].
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
// [image][channel][row][column]; the uniforms' offsets and block count mean numbers and channels here.
@group(0) @binding(4) var<storage, read> planes_in: array<f32>;
@group(0) @binding(5) var<storage, read_write> maps_out: array<MapOut>;

var<workgroup> tile: array<f32, MOST_HALO>;

@compute @workgroup_size(16, 4)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let pairs = (p.to_blocks + 1u) / 2u;
    let image = group.z / pairs;
    let to = group.z % pairs * 2u;
    // The second block of an odd number is computed from the first one's weights and not written.
    let second = min(to + 1u, p.to_blocks - 1u);
    let halo_width = (SIDE - 1u) * p.stride_x + p.kernel_columns;
    let halo_height = (SIDE - 1u) * p.stride_y + p.kernel_rows;
    let corner = vec2<i32>(i32(group.x * SIDE * p.stride_x), i32(group.y * SIDE * p.stride_y)) + taps[0];

    var sums_a = mat4x4<f32>();
    var sums_b = mat4x4<f32>();
    for (var channel = 0u; channel < p.from_blocks; channel++) {
        let first = p.from_offset + image * p.from_image + channel * p.from_height * p.from_width;
        for (var i = index; i < halo_width * halo_height; i += THREADS) {
            let x = corner.x + i32(i % halo_width);
            let y = corner.y + i32(i / halo_width);
            var value = 0.0;
            if y >= 0 && y < i32(p.from_height) && x >= 0 && x < i32(p.from_width) {
                value = planes_in[first + u32(y) * p.from_width + u32(x)];
            }
            tile[i] = value;
        }
        workgroupBarrier();
        for (var dy = 0u; dy < p.kernel_rows; dy++) {
            for (var dx = 0u; dx < p.kernel_columns; dx++) {
                let at = (local.y * 4u * p.stride_y + dy) * halo_width + local.x * p.stride_x + dx;
                let below = p.stride_y * halo_width;
                let pixels = vec4<f32>(tile[at], tile[at + below], tile[at + 2u * below], tile[at + 3u * below]);
                let w = ((dy * p.kernel_columns + dx) * p.from_blocks + channel) * p.to_blocks;
                let a = vec4<f32>(weights[w + to]);
                let b = vec4<f32>(weights[w + second]);
                sums_a += mat4x4<f32>(a * pixels.x, a * pixels.y, a * pixels.z, a * pixels.w);
                sums_b += mat4x4<f32>(b * pixels.x, b * pixels.y, b * pixels.z, b * pixels.w);
            }
        }
        workgroupBarrier();
    }

    let x = group.x * SIDE + local.x;
    for (var i = 0u; i < 4u; i++) {
        let y = group.y * SIDE + local.y * 4u + i;
        if x < p.to_width && y < p.to_height {
            let place = p.to_offset + image * p.to_image + (to * p.to_height + y) * p.to_width + x;
            maps_out[place] = stored(activate(sums_a[i] + bias[to], p.low, p.high));
            if to + 1u < p.to_blocks {
                maps_out[place + p.to_height * p.to_width] = stored(activate(sums_b[i] + bias[to + 1u], p.low, p.high));
            }
        }
    }
}
