// The largest number of each channel that is neither infinite nor NaN: the first in raster order among equals.

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
// [image][block][row][column][lane] numbers as their bits.
@group(0) @binding(1) var<storage, read> maps_in: array<u32>;
// [list] peaks listed, [list] peaks that there are, [list][peak] cell and value.
@group(0) @binding(2) var<storage, read_write> cells_out: array<u32>;

var<workgroup> ranks: array<u32, 256>;
var<workgroup> places: array<u32, 256>;

// Larger for larger numbers; 0 for those that do not count. Both zeros are one number.
fn rank(bits: u32) -> u32 {
    let size = bits & 0x7fffffffu;
    if size >= 0x7f800000u {
        return 0u;
    }
    return select(0x80000000u + size, 0x80000000u - size, bits >= 0x80000000u);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let list = group.z;
    let channel = list % p.channels;
    let cells = p.height * p.width;
    let first = (p.from_offset + (list / p.channels) * p.from_image + (channel / 4u) * cells) * 4u + channel % 4u;
    var best = 0u;
    var place = 0u;
    for (var cell = local; cell < cells; cell += 256u) {
        let own = rank(maps_in[first + cell * 4u]);
        if own > best {
            best = own;
            place = cell;
        }
    }
    ranks[local] = best;
    places[local] = place;
    workgroupBarrier();
    for (var distance = 128u; distance > 0u; distance /= 2u) {
        if local < distance {
            let other = ranks[local + distance];
            let other_place = places[local + distance];
            if other > ranks[local] || (other == ranks[local] && other_place < places[local]) {
                ranks[local] = other;
                places[local] = other_place;
            }
        }
        workgroupBarrier();
    }
    if local == 0u {
        let count = select(0u, 1u, ranks[0] != 0u && ranks[0] >= rank(p.threshold));
        cells_out[list] = count;
        cells_out[p.lists + list] = count;
        let to = 2u * p.lists + 2u * list * p.max_peaks;
        cells_out[to] = places[0];
        cells_out[to + 1u] = maps_in[first + places[0] * 4u];
    }
}
