// What stands before every kernel that writes maps of numbers of 16 bits. Beyond the largest of these they stay the largest, and they
// are rounded to the nearest here, halves to even: a driver may also cut the lower bits off, and layer after layer of that shrinks a map.

alias MapOut = vec4<f16>;

fn stored(value: vec4<f32>) -> MapOut {
    let bits = bitcast<vec4<u32>>(clamp(value, vec4<f32>(-65504.0), vec4<f32>(65504.0)));
    // 13 of the 23 bits of the fraction have no place.
    let odd = (bits >> vec4<u32>(13u)) & vec4<u32>(1u);
    let rounded = (bits + vec4<u32>(0xfffu) + odd) & vec4<u32>(0xffffe000u);
    return MapOut(bitcast<vec4<f32>>(rounded));
}
