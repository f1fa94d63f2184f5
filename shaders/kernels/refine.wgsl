// Sub-cell positions of peaks, and the beginning of what is read back.

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

// 0 stays, 1 mean of the 5x5 patch, 2 a quarter cell towards the larger neighbour.
override METHOD: u32 = 0u;
// 1 where lists stand one behind the other, 0 where each has its whole room.
override DENSE: u32 = 1u;

@group(0) @binding(0) var<uniform> p: Peak;
// [list] peaks listed, [list] peaks that there are, [list][peak] cell and value.
@group(0) @binding(1) var<storage, read> cells_in: array<u32>;
// [image][block][row][column][lane] numbers as their bits.
@group(0) @binding(2) var<storage, read> maps_in: array<u32>;
// [list] peaks listed, [list] peaks that there are, then x, y and value of each peak.
@group(0) @binding(3) var<storage, read_write> found_out: array<u32>;

struct Patch {
    // First number of the channel, and the cell in the middle.
    first: u32,
    x: i32,
    y: i32,
}

// The bits at an offset from the middle; zero outside the map.
fn bits_at(near: Patch, dx: i32, dy: i32) -> u32 {
    let x = near.x + dx;
    let y = near.y + dy;
    if x < 0 || y < 0 || x >= i32(p.width) || y >= i32(p.height) {
        return 0u;
    }
    return maps_in[near.first + (u32(y) * p.width + u32(x)) * 4u];
}

fn is_finite(bits: u32) -> bool {
    return (bits & 0x7fffffffu) < 0x7f800000u;
}

// The mean offset, weighted with the numbers of the map; none where they are not finite or add up to nothing.
fn weighted_mean(near: Patch) -> vec2<f32> {
    var sum = 0.0;
    var moment = vec2<f32>(0.0);
    var all_finite = true;
    for (var dy = -2; dy <= 2; dy++) {
        for (var dx = -2; dx <= 2; dx++) {
            let bits = bits_at(near, dx, dy);
            all_finite = all_finite && is_finite(bits);
            let weight = bitcast<f32>(bits);
            sum += weight;
            moment += vec2<f32>(vec2<i32>(dx, dy)) * weight;
        }
    }
    let offset = moment / sum;
    let finite = is_finite(bitcast<u32>(offset.x)) && is_finite(bitcast<u32>(offset.y));
    if !all_finite || !finite || !(sum > 1e-6) {
        return vec2<f32>(0.0);
    }
    return clamp(offset, vec2<f32>(-2.0), vec2<f32>(2.0));
}

// A quarter cell towards the larger of two numbers; NaN is neither.
fn quarter(after: u32, before: u32) -> f32 {
    if (after & 0x7fffffffu) > 0x7f800000u || (before & 0x7fffffffu) > 0x7f800000u {
        return 0.0;
    }
    let less = select(0.0, -0.25, bitcast<f32>(after) < bitcast<f32>(before));
    return select(less, 0.25, bitcast<f32>(after) > bitcast<f32>(before));
}

fn offset_of(near: Patch) -> vec2<f32> {
    if METHOD == 1u {
        return weighted_mean(near);
    }
    if METHOD == 2u {
        let x = quarter(bits_at(near, 1, 0), bits_at(near, -1, 0));
        return vec2<f32>(x, quarter(bits_at(near, 0, 1), bits_at(near, 0, -1)));
    }
    return vec2<f32>(0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let list = group.z;
    let channel = list % p.channels;
    let block = p.from_offset + (list / p.channels) * p.from_image + (channel / 4u) * p.height * p.width;
    let count = cells_in[list];
    var before = list * p.max_peaks;
    if DENSE == 1u {
        before = 0u;
        for (var other = 0u; other < list; other++) {
            before += cells_in[other];
        }
    }
    if local == 0u {
        found_out[list] = count;
        found_out[p.lists + list] = cells_in[p.lists + list];
    }
    for (var peak = local; peak < count; peak += 64u) {
        let at = 2u * p.lists + 2u * (list * p.max_peaks + peak);
        let cell = cells_in[at];
        let near = Patch(block * 4u + channel % 4u, i32(cell % p.width), i32(cell / p.width));
        let offset = offset_of(near);
        let to = 2u * p.lists + 3u * (before + peak);
        found_out[to] = bitcast<u32>(f32(near.x) + offset.x);
        found_out[to + 1u] = bitcast<u32>(f32(near.y) + offset.y);
        found_out[to + 2u] = cells_in[at + 1u];
    }
}
