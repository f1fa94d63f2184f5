// Dense convolution with many channels, as a matrix product that is never laid out: 64 results by 16 or 32 channels a
// workgroup. Each round brings four input blocks of one tap into workgroup memory; every invocation keeps 4 results by one or
// two blocks in registers, as 4x4 matrices, so that one step is 64 or 128 multiplications for 8 or 12 reads. 1x1 convolutions
// are the case of one tap, transposed ones that of one dispatch for each remainder of the stride.

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

// Blocks of each invocation, 1 or 2.
override BLOCKS: u32 = 2u;

const DEPTH: u32 = 4u;
const TILE_PIXELS: u32 = 64u;
const PIXEL_THREADS: u32 = 16u;
const BLOCK_THREADS: u32 = 4u;
const MOST_TILE_BLOCKS: u32 = 8u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;
alias Weight = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Conv;
// (dx, dy) of each tap.
@group(0) @binding(1) var<storage, read> taps: array<vec2<i32>>;
// [tap][input block][lane][output block].
@group(0) @binding(2) var<storage, read> weights: array<Weight>;
// [output block].
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(5) var<storage, read_write> maps_out: array<MapOut>;

var<workgroup> tile_in: array<vec4<f32>, DEPTH * TILE_PIXELS>;
var<workgroup> tile_weights: array<vec4<f32>, DEPTH * 4u * MOST_TILE_BLOCKS>;

@compute @workgroup_size(PIXEL_THREADS, BLOCK_THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tile_blocks = BLOCK_THREADS * BLOCKS;
    let first_pixel = group.x * TILE_PIXELS;
    let first_block = group.y * tile_blocks;
    let pixels = p.rows * p.columns;
    let plane = p.from_height * p.from_width;
    // The pixel that this invocation brings in: there are as many as invocations.
    let own = first_pixel + index;
    let own_y = i32(own / p.columns * p.stride_y);
    let own_x = i32(own % p.columns * p.stride_x);
    let image = p.from_offset + group.z * p.from_image;

    var sums_a = mat4x4<f32>();
    var sums_b = mat4x4<f32>();
    for (var tap = 0u; tap < p.taps; tap++) {
        let y = own_y + taps[tap].y;
        let x = own_x + taps[tap].x;
        let inside = own < pixels && y >= 0 && y < i32(p.from_height) && x >= 0 && x < i32(p.from_width);
        let place = image + u32(y) * p.from_width + u32(x);
        for (var block = 0u; block < p.from_blocks; block += DEPTH) {
            for (var depth = 0u; depth < DEPTH; depth++) {
                var value = vec4<f32>(0.0);
                if inside && block + depth < p.from_blocks {
                    value = vec4<f32>(maps_in[place + (block + depth) * plane]);
                }
                tile_in[depth * TILE_PIXELS + index] = value;
            }
            for (var i = index; i < DEPTH * 4u * tile_blocks; i += TILE_PIXELS) {
                let lane = i / tile_blocks;
                let to = first_block + i % tile_blocks;
                var value = vec4<f32>(0.0);
                if to < p.to_blocks && block + lane / 4u < p.from_blocks {
                    value = vec4<f32>(weights[((tap * p.from_blocks + block) * 4u + lane) * p.to_blocks + to]);
                }
                tile_weights[i] = value;
            }
            workgroupBarrier();
            for (var depth = 0u; depth < DEPTH; depth++) {
                let at = depth * TILE_PIXELS + local.x;
                let a = mat4x4<f32>(
                    tile_in[at],
                    tile_in[at + PIXEL_THREADS],
                    tile_in[at + 2u * PIXEL_THREADS],
                    tile_in[at + 3u * PIXEL_THREADS],
                );
                let w = depth * 4u * tile_blocks + local.y * BLOCKS;
                sums_a += mat4x4<f32>(
                    tile_weights[w],
                    tile_weights[w + tile_blocks],
                    tile_weights[w + 2u * tile_blocks],
                    tile_weights[w + 3u * tile_blocks],
                ) * a;
                if BLOCKS == 2u {
                    sums_b += mat4x4<f32>(
                        tile_weights[w + 1u],
                        tile_weights[w + tile_blocks + 1u],
                        tile_weights[w + 2u * tile_blocks + 1u],
                        tile_weights[w + 3u * tile_blocks + 1u],
                    ) * a;
                }
            }
            workgroupBarrier();
        }
    }

    let block = first_block + local.y * BLOCKS;
    for (var i = 0u; i < 4u; i++) {
        let pixel = first_pixel + i * PIXEL_THREADS + local.x;
        put(group.z, block, pixel, sums_a[i]);
        if BLOCKS == 2u {
            put(group.z, block + 1u, pixel, sums_b[i]);
        }
    }
}

fn put(image: u32, block: u32, pixel: u32, sum: vec4<f32>) {
    if pixel >= p.rows * p.columns || block >= p.to_blocks {
        return;
    }
    let y = p.first_y + p.step_y * (pixel / p.columns);
    let x = p.first_x + p.step_x * (pixel % p.columns);
    let place = p.to_offset + image * p.to_image + (block * p.to_height + y) * p.to_width + x;
    maps_out[place] = stored(activate(sum + bias[block], p.low, p.high));
}
