// Which cells of a map are local maxima, one bit a cell.

// What finding and refining peaks reads. Lists are one a channel and image: list = image * channels + channel.
struct Peak {
    from_offset: u32,
    from_image: u32,
    channels: u32,
    height: u32,
    width: u32,
    // Room of one list, and all lists.
    max_peaks: u32,
    lists: u32,
    // Words of a channel of which each bit is a cell.
    words: u32,
    // The least value as its bits; not negative.
    threshold: u32,
}

@group(0) @binding(0) var<uniform> p: Peak;
// [image][block][row][column] vec4 of numbers as their bits: comparing these is exact for every number, NaN included.
@group(0) @binding(1) var<storage, read> maps_in: array<vec4<u32>>;
// [list][word], cells in raster order.
@group(0) @binding(2) var<storage, read_write> bits_out: array<u32>;

// 8 words of 32 cells for each of the 4 channels of a block.
var<workgroup> found: array<atomic<u32>, 32>;

// Where the positive `value` exceeds `other`, which may be negative, and may be NaN, which nothing exceeds.
fn exceeds(value: vec4<u32>, other: vec4<u32>) -> vec4<bool> {
    let negative = (other >= vec4<u32>(0x80000000u)) & (other <= vec4<u32>(0xff800000u));
    return (other < value) | negative;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if local < 32u {
        atomicStore(&found[local], 0u);
    }
    workgroupBarrier();
    let blocks = (p.channels + 3u) / 4u;
    let block = group.z % blocks;
    let image = group.z / blocks;
    let cells = p.height * p.width;
    let first = p.from_offset + image * p.from_image + block * cells;
    let cell = group.x * 256u + local;
    if cell < cells {
        let value = maps_in[first + cell];
        // Above the threshold, and neither infinite nor NaN.
        var peak = (value > vec4<u32>(p.threshold)) & (value < vec4<u32>(0x7f800000u));
        if any(peak) {
            let x = i32(cell % p.width);
            let y = i32(cell / p.width);
            for (var near_y = max(y - 1, 0); near_y <= min(y + 1, i32(p.height) - 1); near_y++) {
                for (var near_x = max(x - 1, 0); near_x <= min(x + 1, i32(p.width) - 1); near_x++) {
                    if near_x != x || near_y != y {
                        peak = peak & exceeds(value, maps_in[first + u32(near_y) * p.width + u32(near_x)]);
                    }
                }
            }
            for (var lane = 0u; lane < 4u; lane++) {
                if peak[lane] {
                    atomicOr(&found[lane * 8u + local / 32u], 1u << (local % 32u));
                }
            }
        }
    }
    workgroupBarrier();
    let channel = block * 4u + local / 8u;
    let word = group.x * 8u + local % 8u;
    if local < 32u && channel < p.channels && word < p.words {
        bits_out[(image * p.channels + channel) * p.words + word] = atomicLoad(&found[local]);
    }
}
