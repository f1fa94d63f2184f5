// Dense convolution of maps so small that few workgroups of conv_gemm would make them: 64 results by 16 channels a workgroup, and four
// teams of invocations that share its rounds. In each round a team brings two input blocks of one tap into workgroup memory and adds
// 4 results by one block for each invocation, as 4x4 matrices; the sums of the teams are added up at the end.

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

const TEAMS: u32 = 4u;
const DEPTH: u32 = 2u;
const TILE_PIXELS: u32 = 64u;
const PIXEL_THREADS: u32 = 16u;
const TILE_BLOCKS: u32 = 4u;
// vec4 of a team's inputs and weights in a round.
const TEAM_IN: u32 = DEPTH * TILE_PIXELS;
const TEAM_WEIGHTS: u32 = DEPTH * 4u * TILE_BLOCKS;

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

var<workgroup> tile_in: array<vec4<f32>, TEAMS * TEAM_IN>;
var<workgroup> tile_weights: array<vec4<f32>, TEAMS * TEAM_WEIGHTS>;

@compute @workgroup_size(PIXEL_THREADS, TILE_BLOCKS, TEAMS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first_pixel = group.x * TILE_PIXELS;
    let first_block = group.y * TILE_BLOCKS;
    let plane = p.from_height * p.from_width;
    let team_in = local.z * TEAM_IN;
    let team_weights = local.z * TEAM_WEIGHTS;
    // The pixel that this invocation brings in: a team has as many as invocations.
    let index = local.y * PIXEL_THREADS + local.x;
    let own = first_pixel + index;
    let own_y = i32(own / p.columns * p.stride_y);
    let own_x = i32(own % p.columns * p.stride_x);
    let image = p.from_offset + group.z * p.from_image;
    let chunks = (p.from_blocks + DEPTH - 1u) / DEPTH;
    let rounds = p.taps * chunks;

    var sums = mat4x4<f32>();
    for (var first = 0u; first < rounds; first += TEAMS) {
        let round = first + local.z;
        let tap = min(round / chunks, p.taps - 1u);
        // Beyond the last round there are no blocks.
        let block = select(p.from_blocks, round % chunks * DEPTH, round < rounds);
        let y = own_y + taps[tap].y;
        let x = own_x + taps[tap].x;
        let inside = own < p.rows * p.columns && y >= 0 && y < i32(p.from_height) && x >= 0 && x < i32(p.from_width);
        let place = image + u32(y) * p.from_width + u32(x);
        for (var depth = 0u; depth < DEPTH; depth++) {
            var value = vec4<f32>(0.0);
            if inside && block + depth < p.from_blocks {
                value = vec4<f32>(maps_in[place + (block + depth) * plane]);
            }
            tile_in[team_in + depth * TILE_PIXELS + index] = value;
        }
        if index < TEAM_WEIGHTS {
            let lane = index / TILE_BLOCKS;
            let to = first_block + index % TILE_BLOCKS;
            var value = vec4<f32>(0.0);
            if to < p.to_blocks && block + lane / 4u < p.from_blocks {
                value = vec4<f32>(weights[((tap * p.from_blocks + block) * 4u + lane) * p.to_blocks + to]);
            }
            tile_weights[team_weights + index] = value;
        }
        workgroupBarrier();
        for (var depth = 0u; depth < DEPTH; depth++) {
            let at = team_in + depth * TILE_PIXELS + local.x;
            let w = team_weights + depth * 4u * TILE_BLOCKS + local.y;
            sums += mat4x4<f32>(
                tile_weights[w],
                tile_weights[w + TILE_BLOCKS],
                tile_weights[w + 2u * TILE_BLOCKS],
                tile_weights[w + 3u * TILE_BLOCKS],
            ) * mat4x4<f32>(
                tile_in[at],
                tile_in[at + PIXEL_THREADS],
                tile_in[at + 2u * PIXEL_THREADS],
                tile_in[at + 3u * PIXEL_THREADS],
            );
        }
        workgroupBarrier();
    }

    // The other teams hand their sums over one after the other: there is room for one.
    for (var team = 1u; team < TEAMS; team++) {
        for (var i = 0u; i < 4u; i++) {
            if local.z == team {
                tile_in[i * TILE_PIXELS + index] = sums[i];
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < 4u; i++) {
            if local.z == 0u {
                sums[i] += tile_in[i * TILE_PIXELS + index];
            }
        }
        workgroupBarrier();
    }
    if local.z == 0u {
        for (var i = 0u; i < 4u; i++) {
            put(group.z, first_block + local.y, first_pixel + i * PIXEL_THREADS + local.x, sums[i]);
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
