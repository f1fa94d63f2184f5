// What stands before every kernel that writes maps of numbers of 32 bits.

alias MapOut = vec4<f32>;

fn stored(value: vec4<f32>) -> MapOut {
    return value;
}
