// The local maxima of each channel in raster order; of more than there is room for the strongest.

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
// [list][word], cells in raster order.
@group(0) @binding(1) var<storage, read> bits: array<u32>;
// Numbers as their bits; those of peaks are positive, so that their order is that of the numbers.
@group(0) @binding(2) var<storage, read> maps_in: array<u32>;
// [list] peaks listed, [list] peaks that there are, [list][peak] cell and value.
@group(0) @binding(3) var<storage, read_write> cells_out: array<u32>;

var<workgroup> counter: atomic<u32>;
var<workgroup> counted: u32;
var<workgroup> sums: array<u32, 256>;

// A cell's value in the maps of this list.
fn value_at(list: u32, cell: u32) -> u32 {
    let channel = list % p.channels;
    let cells = p.height * p.width;
    let first = p.from_offset + (list / p.channels) * p.from_image + (channel / 4u) * cells;
    return maps_in[(first + cell) * 4u + channel % 4u];
}

// Peaks of at least this value.
fn count_from(list: u32, least: u32, local: u32) -> u32 {
    if local == 0u {
        atomicStore(&counter, 0u);
    }
    workgroupBarrier();
    var own = 0u;
    for (var word = local; word < p.words; word += 256u) {
        var rest = bits[list * p.words + word];
        if least == 0u {
            own += countOneBits(rest);
            rest = 0u;
        }
        while rest != 0u {
            let bit = firstTrailingBit(rest);
            rest &= rest - 1u;
            own += select(0u, 1u, value_at(list, word * 32u + bit) >= least);
        }
    }
    atomicAdd(&counter, own);
    workgroupBarrier();
    if local == 0u {
        counted = atomicLoad(&counter);
    }
    return workgroupUniformLoad(&counted);
}

// The sum of the numbers of all invocations before this one.
fn sum_before(number: u32, local: u32) -> u32 {
    workgroupBarrier();
    sums[local] = number;
    workgroupBarrier();
    for (var distance = 1u; distance < 256u; distance *= 2u) {
        var before = 0u;
        if local >= distance {
            before = sums[local - distance];
        }
        workgroupBarrier();
        sums[local] += before;
        workgroupBarrier();
    }
    return sums[local] - number;
}

// The value of the last peak that there is room for: the largest with that many peaks from it on.
fn least_with_room(list: u32, local: u32) -> u32 {
    var least = 0u;
    for (var bit = 0u; bit < 31u; bit++) {
        let larger = least | (0x40000000u >> bit);
        if count_from(list, larger, local) >= p.max_peaks {
            least = larger;
        }
    }
    return least;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let list = group.z;
    let total = count_from(list, 0u, local);
    var least = 0u;
    // How many of the peaks of just the least value fit: the first of them.
    var room = 0u;
    if total > p.max_peaks {
        least = least_with_room(list, local);
        room = p.max_peaks - count_from(list, least + 1u, local);
    }
    if local == 0u {
        cells_out[list] = min(total, p.max_peaks);
        cells_out[p.lists + list] = total;
    }
    let to = 2u * p.lists + 2u * list * p.max_peaks;
    // Of the words before: peaks above the least value in the low half, peaks of it in the high one.
    var above_before = 0u;
    var equal_before = 0u;
    for (var start = 0u; start < p.words; start += 256u) {
        let word = start + local;
        var rest = 0u;
        if word < p.words {
            rest = bits[list * p.words + word];
        }
        var own = 0u;
        for (var left = rest; left != 0u; left &= left - 1u) {
            let value = value_at(list, word * 32u + firstTrailingBit(left));
            own += select(select(0u, 0x10000u, value == least), 1u, value > least);
        }
        let before = sum_before(own, local);
        let whole = sums[255];
        var above = above_before + (before & 0xffffu);
        var equal = equal_before + (before >> 16u);
        for (var left = rest; left != 0u; left &= left - 1u) {
            let cell = word * 32u + firstTrailingBit(left);
            let value = value_at(list, cell);
            let place = above + min(equal, room);
            if value > least || (value == least && equal < room) {
                cells_out[to + 2u * place] = cell;
                cells_out[to + 2u * place + 1u] = value;
            }
            above += select(0u, 1u, value > least);
            equal += select(0u, 1u, value == least);
        }
        above_before += whole & 0xffffu;
        equal_before += whole >> 16u;
    }
}
