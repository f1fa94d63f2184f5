// Sum or product of two maps; sides of 1 are repeated.

// Maps lie in blocks of four channels: [image][block][row][column] vec4. Offsets and distances count vec4; the distance of
// blocks, rows or columns is 0 where a side is repeated.
struct Binary {
    a_offset: u32,
    a_image: u32,
    a_block: u32,
    a_row: u32,
    a_column: u32,
    // 1 where the map has one channel, which is repeated.
    a_single: u32,
    b_offset: u32,
    b_image: u32,
    b_block: u32,
    b_row: u32,
    b_column: u32,
    b_single: u32,
    to_offset: u32,
    to_image: u32,
    to_blocks: u32,
    to_height: u32,
    to_width: u32,
}

// 0 sum, 1 product.
override MODE: u32 = 0u;

// Numbers in memory; `f16` stands here for those that are kept in 16 bits.
alias MapIn = vec4<f32>;
alias OtherIn = vec4<f32>;

@group(0) @binding(0) var<uniform> p: Binary;
@group(0) @binding(1) var<storage, read> a_in: array<MapIn>;
@group(0) @binding(2) var<storage, read> b_in: array<OtherIn>;
@group(0) @binding(3) var<storage, read_write> maps_out: array<MapOut>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.to_width || id.y >= p.to_height {
        return;
    }
    let block = id.z % p.to_blocks;
    let image = id.z / p.to_blocks;
    var a = vec4<f32>(a_in[p.a_offset + image * p.a_image + block * p.a_block + id.y * p.a_row + id.x * p.a_column]);
    var b = vec4<f32>(b_in[p.b_offset + image * p.b_image + block * p.b_block + id.y * p.b_row + id.x * p.b_column]);
    if p.a_single == 1u {
        a = a.xxxx;
    }
    if p.b_single == 1u {
        b = b.xxxx;
    }
    var result = a + b;
    if MODE == 1u {
        result = a * b;
    }
    maps_out[p.to_offset + image * p.to_image + (block * p.to_height + id.y) * p.to_width + id.x] = stored(result);
}
