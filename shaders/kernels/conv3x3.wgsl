// Dense 3x3 convolution of step 1 with few channels: 16x16 results by 8 channels a workgroup. One input block at a time is
// brought into workgroup memory with its halo, so that each number is read once and not nine times; every invocation keeps 4
// results, one below the other, by two blocks: 6 reads serve 12 products with 4x4 matrices. The weights are the same for the
// whole workgroup. A max-pool of 2x2 behind it is made from the same numbers, so that it does not read the map again.

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

// What is written: 0 the map, 1 the map and the largest number of each 2x2 of it, 2 only the latter.
override POOL: u32 = 0u;
const ONLY_POOLED: u32 = 2u;

const SIDE: u32 = 16u;
const POOLED_SIDE: u32 = 8u;
const HALO_SIDE: u32 = 18u;
const HALO: u32 = 324u;
const THREADS: u32 = 64u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;
alias Weight = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Conv;
// (dx, dy) of each tap, row by row: the first one is the padding.
@group(0) @binding(1) var<storage, read> taps: array<vec2<i32>>;
// [tap][input block][lane][output block].
@group(0) @binding(2) var<storage, read> weights: array<Weight>;
// [output block].
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(5) var<storage, read_write> maps_out: array<MapOut>;

var<workgroup> tile: array<vec4<f32>, HALO>;

// One tap's weights from an input block to an output block.
fn tap_weights(tap: u32, block: u32, to: u32) -> mat4x4<f32> {
    let at = (tap * p.from_blocks + block) * 4u * p.to_blocks + to;
    return mat4x4<f32>(
        vec4<f32>(weights[at]),
        vec4<f32>(weights[at + p.to_blocks]),
        vec4<f32>(weights[at + 2u * p.to_blocks]),
        vec4<f32>(weights[at + 3u * p.to_blocks]),
    );
}

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
    let corner = vec2<i32>(i32(group.x * SIDE), i32(group.y * SIDE)) + taps[0];
    let plane = p.from_height * p.from_width;

    var sums_a = mat4x4<f32>();
    var sums_b = mat4x4<f32>();
    for (var block = 0u; block < p.from_blocks; block++) {
        let first = p.from_offset + image * p.from_image + block * plane;
        for (var i = index; i < HALO; i += THREADS) {
            let x = corner.x + i32(i % HALO_SIDE);
            let y = corner.y + i32(i / HALO_SIDE);
            var value = vec4<f32>(0.0);
            if y >= 0 && y < i32(p.from_height) && x >= 0 && x < i32(p.from_width) {
                value = vec4<f32>(maps_in[first + u32(y) * p.from_width + u32(x)]);
            }
            tile[i] = value;
        }
        workgroupBarrier();
        for (var dx = 0u; dx < 3u; dx++) {
            let at = local.y * 4u * HALO_SIDE + local.x + dx;
            let r0 = tile[at];
            let r1 = tile[at + HALO_SIDE];
            let r2 = tile[at + 2u * HALO_SIDE];
            let r3 = tile[at + 3u * HALO_SIDE];
            let r4 = tile[at + 4u * HALO_SIDE];
            let r5 = tile[at + 5u * HALO_SIDE];
            let upper = mat4x4<f32>(r0, r1, r2, r3);
            let middle = mat4x4<f32>(r1, r2, r3, r4);
            let lower = mat4x4<f32>(r2, r3, r4, r5);
            sums_a += tap_weights(dx, block, to) * upper;
            sums_a += tap_weights(dx + 3u, block, to) * middle;
            sums_a += tap_weights(dx + 6u, block, to) * lower;
            sums_b += tap_weights(dx, block, second) * upper;
            sums_b += tap_weights(dx + 3u, block, second) * middle;
            sums_b += tap_weights(dx + 6u, block, second) * lower;
        }
        workgroupBarrier();
    }

    let x = group.x * SIDE + local.x;
    var made_a = mat4x4<f32>();
    var made_b = mat4x4<f32>();
    for (var i = 0u; i < 4u; i++) {
        made_a[i] = activate(sums_a[i] + bias[to], p.low, p.high);
        made_b[i] = activate(sums_b[i] + bias[second], p.low, p.high);
        let y = group.y * SIDE + local.y * 4u + i;
        if POOL != ONLY_POOLED && x < p.to_width && y < p.to_height {
            let place = p.to_offset + image * p.to_image + (to * p.to_height + y) * p.to_width + x;
            maps_out[place] = stored(made_a[i]);
            if to + 1u < p.to_blocks {
                maps_out[place + p.to_height * p.to_width] = stored(made_b[i]);
            }
        }
    }
    if POOL != 0u {
        // Rows meet in registers, columns in workgroup memory: [pair of rows of the invocation][block][invocation].
        tile[index] = max(made_a[0], made_a[1]);
        tile[index + THREADS] = max(made_b[0], made_b[1]);
        tile[index + 2u * THREADS] = max(made_a[2], made_a[3]);
        tile[index + 3u * THREADS] = max(made_b[2], made_b[3]);
        workgroupBarrier();
        let column = index % POOLED_SIDE;
        let row = index / POOLED_SIDE;
        let px = group.x * POOLED_SIDE + column;
        let py = group.y * POOLED_SIDE + row;
        if px < p.pooled_width && py < p.pooled_height {
            let left = row % 2u * 2u * THREADS + row / 2u * SIDE + column * 2u;
            let place = p.pooled_offset + image * p.pooled_image + (to * p.pooled_height + py) * p.pooled_width + px;
            maps_out[place] = stored(max(tile[left], tile[left + 1u]));
            if to + 1u < p.to_blocks {
                let other = left + THREADS;
                maps_out[place + p.pooled_height * p.pooled_width] = stored(max(tile[other], tile[other + 1u]));
            }
        }
    }
}
