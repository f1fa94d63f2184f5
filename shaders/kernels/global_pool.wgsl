// Largest number or mean of whole channels: one workgroup for each block.

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

const THREADS: u32 = 64u;

// 0 largest, 1 mean.
override MODE: u32 = 0u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Pair;
@group(0) @binding(1) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(2) var<storage, read_write> maps_out: array<MapOut>;

var<workgroup> partial: array<vec4<f32>, THREADS>;

fn join(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    if MODE == 0u {
        return max(a, b);
    }
    return a + b;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let blocks = (p.to_channels + 3u) / 4u;
    let block = group.z % blocks;
    let image = group.z / blocks;
    let cells = p.from_height * p.from_width;
    let first = p.from_offset + image * p.from_image + block * cells;
    var value = vec4<f32>(0.0);
    if MODE == 0u {
        value = vec4<f32>(-3.4028235e38);
    }
    for (var cell = index; cell < cells; cell += THREADS) {
        value = join(value, vec4<f32>(maps_in[first + cell]));
    }
    partial[index] = value;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if index < half {
            partial[index] = join(partial[index], partial[index + half]);
        }
        workgroupBarrier();
    }
    if index == 0u {
        var result = partial[0];
        if MODE == 1u {
            result /= f32(cells);
        }
        maps_out[p.to_offset + image * p.to_image + block] = stored(result);
    }
}
