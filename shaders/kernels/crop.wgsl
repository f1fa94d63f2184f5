// Which peaks of a centroid map are looked at, where the crops around them lie, and how many workgroups all of these need. Of two peaks
// that are closer than the smallest distance the weaker one is dropped, the strongest being looked at first; the strongest stay.

struct Crop {
    // Most crops.
    room: u32,
    // Dispatches whose workgroups are counted.
    dispatches: u32,
    // Sides of a crop in pixels.
    side_px: u32,
    // Pixels of the centroid network's input of one cell of its map.
    stride_px: f32,
    // Pixels of the centroid network's input, and of the scaled frame that crops are cut from, of one pixel of the frame.
    scale: f32,
    crop_scale: f32,
    // In pixels of the frame.
    min_distance_px: f32,
    // 0, which the compiler must not know.
    zero: u32,
}

@group(0) @binding(0) var<uniform> p: Crop;
// [dispatch] workgroups of one crop along x, y and z.
@group(0) @binding(1) var<storage, read> grids: array<u32>;
// Peaks listed, peaks that there are, then x, y and value of each peak, which is positive.
@group(0) @binding(2) var<storage, read> found: array<u32>;
// [crop] first column and row, in raster order of the peaks; crops; [dispatch] workgroups of all crops.
@group(0) @binding(3) var<storage, read_write> table: array<u32>;

const MOST_PEAKS: u32 = 1024u;
const NONE: u32 = 0xffffffffu;

// In pixels of the frame, and values as their bits: 0 for those that were chosen or dropped.
var<workgroup> places: array<vec2<f32>, 1024>;
var<workgroup> values: array<u32, 1024>;
// One bit a peak that is looked at.
var<workgroup> chosen: array<u32, 32>;
var<workgroup> best_values: array<u32, 256>;
var<workgroup> best_peaks: array<u32, 256>;
var<workgroup> best: u32;

// A product that no driver can join with a sum to one rounding.
fn product(a: f32, b: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(a * b) ^ p.zero);
}

// The quotient rounded to the nearest number, as on the CPU: WGSL's own may be off, and a crop would begin a pixel beside. The divisor
// is a positive normal number; quotients that are not normal become 0.
fn quotient(dividend: f32, divisor: f32) -> f32 {
    let bits = bitcast<u32>(dividend);
    var rest = (bits & 0x7fffffu) | 0x800000u;
    let whole = (bitcast<u32>(divisor) & 0x7fffffu) | 0x800000u;
    var exponent = i32((bits >> 23u) & 255u) - i32(bitcast<u32>(divisor) >> 23u) + 127;
    if rest < whole {
        rest *= 2u;
        exponent -= 1;
    }
    // The first of 24 binary digits is 1.
    var digits = 0u;
    for (var digit = 0u; digit < 24u; digit++) {
        digits *= 2u;
        if rest >= whole {
            rest -= whole;
            digits += 1u;
        }
        rest *= 2u;
    }
    // Of ties the even one, but a quotient of two such numbers never is one.
    digits += select(0u, 1u, rest > whole);
    if ((bits >> 23u) & 255u) == 0u || exponent <= 0 {
        return 0.0;
    }
    // A carry beyond the 24th digit goes into the exponent, where it belongs.
    return bitcast<f32>((bits & 0x80000000u) | ((u32(exponent) << 23u) + digits - 0x800000u));
}

// A place along an axis in pixels of the frame.
fn in_frame(cells: u32) -> f32 {
    return quotient(product(bitcast<f32>(cells), p.stride_px), p.scale);
}

// The whole pixel from which on the middle of a crop is nearest to a place: floor(place - (side - 1) / 2 + 1 / 2), without rounding.
fn origin(place: f32) -> u32 {
    let centre = product(place, p.crop_scale);
    let below = floor(centre);
    let up = p.side_px % 2u == 1u && centre - below >= 0.5;
    let corner = i32(below) + select(0, 1, up) - (i32(p.side_px) - 1) / 2;
    return bitcast<u32>(clamp(corner, -0x100000, 0x100000));
}

// The strongest peak that is left, the first among equals; NONE if there is none.
fn strongest(count: u32, local: u32) -> u32 {
    var value = 0u;
    var peak = NONE;
    for (var other = local; other < count; other += 256u) {
        if values[other] > value {
            value = values[other];
            peak = other;
        }
    }
    best_values[local] = value;
    best_peaks[local] = peak;
    workgroupBarrier();
    for (var distance = 128u; distance > 0u; distance /= 2u) {
        if local < distance {
            let other = best_values[local + distance];
            let other_peak = best_peaks[local + distance];
            if other > best_values[local] || (other == best_values[local] && other_peak < best_peaks[local]) {
                best_values[local] = other;
                best_peaks[local] = other_peak;
            }
        }
        workgroupBarrier();
    }
    if local == 0u {
        best = best_peaks[0];
    }
    return workgroupUniformLoad(&best);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
    let count = min(found[0], MOST_PEAKS);
    for (var peak = local; peak < count; peak += 256u) {
        places[peak] = vec2<f32>(in_frame(found[2u + 3u * peak]), in_frame(found[3u + 3u * peak]));
        values[peak] = found[4u + 3u * peak];
    }
    if local < 32u {
        chosen[local] = 0u;
    }
    workgroupBarrier();
    for (var number = 0u; number < p.room; number++) {
        let peak = strongest(count, local);
        if peak == NONE {
            break;
        }
        if local == 0u {
            chosen[peak / 32u] |= 1u << (peak % 32u);
        }
        let place = places[peak];
        for (var other = local; other < count; other += 256u) {
            let way = places[other] - place;
            let squares = product(way.x, way.x) + product(way.y, way.y);
            if other == peak || squares < product(p.min_distance_px, p.min_distance_px) {
                values[other] = 0u;
            }
        }
        workgroupBarrier();
    }
    var crops = 0u;
    for (var word = 0u; word < 32u; word++) {
        // Peaks of this word that this invocation looks after, one of each 256.
        if word % 8u == local / 32u && (chosen[word] & (1u << (local % 32u))) != 0u {
            let peak = word * 32u + local % 32u;
            let to = 2u * (crops + countOneBits(chosen[word] & ((1u << (local % 32u)) - 1u)));
            table[to] = origin(places[peak].x);
            table[to + 1u] = origin(places[peak].y);
        }
        crops += countOneBits(chosen[word]);
    }
    let counts = 2u * p.room;
    if local == 0u {
        table[counts] = crops;
    }
    for (var dispatch = local; dispatch < p.dispatches; dispatch += 256u) {
        let to = counts + 1u + 3u * dispatch;
        table[to] = grids[3u * dispatch];
        table[to + 1u] = grids[3u * dispatch + 1u];
        table[to + 2u] = grids[3u * dispatch + 2u] * crops;
    }
}
