// Largest number or mean under a window.

// Maps lie in blocks of four channels: [image][block][row][column] vec4. Offsets and distances count vec4.
struct Pool {
    from_offset: u32,
    from_image: u32,
    from_height: u32,
    from_width: u32,
    to_offset: u32,
    to_image: u32,
    to_blocks: u32,
    to_height: u32,
    to_width: u32,
    kernel_rows: u32,
    kernel_columns: u32,
    stride_y: u32,
    stride_x: u32,
    dilation_y: u32,
    dilation_x: u32,
    top: u32,
    left: u32,
    // Height and width with the padding.
    padded_height: u32,
    padded_width: u32,
}

// 0 largest, 1 mean of what is inside, 2 mean that counts padded places as zeros.
override MODE: u32 = 0u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Pool;
@group(0) @binding(1) var<storage, read> maps_in: array<MapIn>;
@group(0) @binding(2) var<storage, read_write> maps_out: array<MapOut>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let block = id.z % p.to_blocks;
    let image = id.z / p.to_blocks;
    let first = p.from_offset + image * p.from_image + block * p.from_height * p.from_width;
    var largest = vec4<f32>(-3.4028235e38);
    var sum = vec4<f32>(0.0);
    var inside = 0.0;
    var padded = 0.0;
    for (var ky = 0u; ky < p.kernel_rows; ky++) {
        for (var kx = 0u; kx < p.kernel_columns; kx++) {
            // In the padded map; below the padding the subtraction wraps, beyond any width.
            let row = id.y * p.stride_y + ky * p.dilation_y;
            let column = id.x * p.stride_x + kx * p.dilation_x;
            let y = row - p.top;
            let x = column - p.left;
            if row < p.padded_height && column < p.padded_width {
                padded += 1.0;
            }
            if y < p.from_height && x < p.from_width {
                let value = vec4<f32>(maps_in[first + y * p.from_width + x]);
                largest = max(largest, value);
                sum += value;
                inside += 1.0;
            }
        }
    }
    var result = largest;
    if MODE == 1u {
        result = sum / inside;
    } else if MODE == 2u {
        result = sum / padded;
    }
    maps_out[p.to_offset + image * p.to_image + (block * p.to_height + id.y) * p.to_width + id.x] = stored(result);
}
