// A frame's bytes, or a part of the scaled frame, to the network's input: colour, scale, zero padding, numbers 0 to 1. The same
// numbers as on the CPU, bit for bit: the same sums in the same order, and quotients from a table.

struct Preprocess {
    // Columns of the frame, bytes of a pixel, and where red, green and blue lie in one.
    frame_width: u32,
    pixel_bytes: u32,
    red: u32,
    green: u32,
    blue: u32,
    // 1 where a gray input gets a colour frame.
    luma: u32,
    // Sides of the scaled frame.
    content_width: u32,
    content_height: u32,
    // Sides and channels of the input.
    to_width: u32,
    to_height: u32,
    to_channels: u32,
    // Source pixels of one result, and where the tables of the columns and of the rows begin.
    x_taps: u32,
    y_taps: u32,
    x_table: u32,
    y_table: u32,
    // 0, which the compiler must not know.
    zero: u32,
}

// 1 where the frame is scaled.
override SCALED: u32 = 0u;

@group(0) @binding(0) var<uniform> p: Preprocess;
// The 256 levels divided by 255; for the columns, then for the rows: first source pixel of each, then its weights.
@group(0) @binding(1) var<storage, read> tables: array<u32>;
// Rows without gaps, four bytes a word.
@group(0) @binding(2) var<storage, read> frame: array<u32>;
// Where each image begins in the scaled frame.
@group(0) @binding(3) var<storage, read> origins: array<vec2<i32>>;
// [image][channel][row][column]
@group(0) @binding(4) var<storage, read_write> planes_out: array<f32>;

fn byte(index: u32) -> u32 {
    return (frame[index >> 2u] >> ((index & 3u) * 8u)) & 255u;
}

fn level(x: u32, y: u32, channel: u32) -> u32 {
    let pixel = (y * p.frame_width + x) * p.pixel_bytes;
    if p.luma == 1u {
        // ITU-R BT.601 in 1/65536, rounded to the nearest level.
        let sum = 19589u * byte(pixel + p.red) + 38470u * byte(pixel + p.green) + 7471u * byte(pixel + p.blue);
        return (sum + 32768u) >> 16u;
    }
    let green_or_blue = select(p.blue, p.green, channel == 1u);
    return byte(pixel + select(green_or_blue, p.red, channel == 0u));
}

// A product that no driver can join with a sum to one rounding: at a tie that would give another level.
fn product(a: f32, b: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(a * b) ^ p.zero);
}

// Along y first, as on the CPU; rounded to a whole level.
fn scaled_level(x: u32, y: u32, channel: u32) -> u32 {
    let first_x = tables[p.x_table + x];
    let first_y = tables[p.y_table + y];
    let x_weights = p.x_table + p.content_width + x * p.x_taps;
    let y_weights = p.y_table + p.content_height + y * p.y_taps;
    var sum = 0.0;
    for (var column = 0u; column < p.x_taps; column++) {
        var mixed = 0.0;
        for (var row = 0u; row < p.y_taps; row++) {
            let weight = bitcast<f32>(tables[y_weights + row]);
            mixed += product(weight, f32(level(first_x + column, first_y + row, channel)));
        }
        sum += product(bitcast<f32>(tables[x_weights + column]), mixed);
    }
    return min(u32(sum + 0.5), 255u);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let channel = id.z % p.to_channels;
    let place = vec2<i32>(id.xy) + origins[id.z / p.to_channels];
    var value = 0.0;
    // What lies outside the scaled frame is zero.
    if place.x >= 0 && place.y >= 0 && u32(place.x) < p.content_width && u32(place.y) < p.content_height {
        var found = 0u;
        if SCALED == 1u {
            found = scaled_level(u32(place.x), u32(place.y), channel);
        } else {
            found = level(u32(place.x), u32(place.y), channel);
        }
        value = bitcast<f32>(tables[found]);
    }
    planes_out[(id.z * p.to_height + id.y) * p.to_width + id.x] = value;
}
