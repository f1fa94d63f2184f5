// Fully connected layer: a 1x1 convolution of a map of one pixel. A workgroup makes one block; its invocations share the input
// and add up in workgroup memory.

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

const THREADS: u32 = 64u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;
alias Weight = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Conv;
// [input block][lane][output block].
@group(0) @binding(1) var<storage, read> weights: array<Weight>;
// [output block].
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(4) var<storage, read_write> maps_out: array<MapOut>;

var<workgroup> partial: array<vec4<f32>, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let block = group.z % p.to_blocks;
    let image = group.z / p.to_blocks;
    var sum = vec4<f32>(0.0);
    for (var source = index; source < p.from_blocks; source += THREADS) {
        let at = source * 4u * p.to_blocks + block;
        let w = mat4x4<f32>(
            vec4<f32>(weights[at]),
            vec4<f32>(weights[at + p.to_blocks]),
            vec4<f32>(weights[at + 2u * p.to_blocks]),
            vec4<f32>(weights[at + 3u * p.to_blocks]),
        );
        sum += w * vec4<f32>(maps_in[p.from_offset + image * p.from_image + source]);
    }
    partial[index] = sum;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if index < half {
            partial[index] += partial[index + half];
        }
        workgroupBarrier();
    }
    if index == 0u {
        maps_out[p.to_offset + image * p.to_image + block] = stored(activate(partial[0] + bias[block], p.low, p.high));
    }
}
